package taskdef

import (
	"math"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

// sizes are the combinations of Fargate: for each CPU, from, to and step of the memory in MiB.
var sizes = map[int][3]int{
	256:   {512, 2048, 0}, // 512, 1024 and 2048
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
}

func buildSize(d *state.TaskDefinition, in *ecsapi.RegisterTaskDefinitionRequest) error {
	var err error
	d.CPU, d.Memory, err = Size(in.Cpu, in.Memory)
	return err
}

// Size normalises the CPU and memory of a task: "1 vCPU" and "2 GB" become
// "1024" and "2048". Empty stays empty. Error: *ecsapi.InvalidParameterException.
func Size(cpu, memory string) (units, mib string, err error) {
	if units, err = quantity(cpu, "vcpu", "cpu"); err != nil {
		return "", "", err
	}
	mib, err = quantity(memory, "gb", "memory")
	return units, mib, err
}

// quantity reads a whole number, or a number with a unit that stands for 1024.
func quantity(text, unit, name string) (string, error) {
	if text == "" {
		return "", nil
	}
	bad := &ecsapi.InvalidParameterException{Message: "Invalid '" + name + "' setting for task."}
	number, scaled := strings.CutSuffix(strings.ToLower(strings.TrimSpace(text)), unit)
	if !scaled {
		n, err := strconv.Atoi(number)
		if err != nil || n <= 0 || n > math.MaxInt32 {
			return "", bad
		}
		return strconv.Itoa(n), nil
	}
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(x > 0) || x > 1<<20 || x*1024 != math.Trunc(x*1024) {
		return "", bad
	}
	return strconv.Itoa(int(x * 1024)), nil
}

// CheckFargateSize says whether Fargate has tasks of this size, given as digits.
func CheckFargateSize(cpu, memory string) error {
	units, _ := strconv.Atoi(cpu)
	mib, _ := strconv.Atoi(memory)
	size, ok := sizes[units]
	if ok && mib >= size[0] && mib <= size[1] && (size[2] == 0 && mib&(mib-1) == 0 || size[2] > 0 && (mib-size[0])%size[2] == 0) {
		return nil
	}
	return clientError("No Fargate configuration exists for given values: %s CPU, %s memory. See the Amazon ECS documentation for the valid values.", cpu, memory)
}

func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
