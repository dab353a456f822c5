package cloudformation

import "testing"

func TestIsWaiter(t *testing.T) {
	for agent, want := range map[string]bool{
		"aws-cli/1.45.11 md/Botocore#1.43.11 ua/2.1 os/linux md/arch#x86_64 lang/python#3.11 m/D,B,b cfg/retry-mode#legacy botocore/1.43.11": true,
		"aws-cli/1.45.11 md/Botocore#1.43.11 m/b,D cfg/retry-mode#legacy":                                                                    false,
		"Boto3/1.43.11 m/BB":  false,
		"":                    false,
		"curl/7.88.1 B m/ m/": false,
	} {
		if got := isWaiter(agent); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
}
