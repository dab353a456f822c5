package taskdef

import (
	"reflect"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ecsapi"
)

func ptr[T any](v T) *T { return &v }

// valid is a request that is accepted; change makes it a case.
func valid(change func(*ecsapi.RegisterTaskDefinitionRequest, *ecsapi.ContainerDefinition)) *ecsapi.RegisterTaskDefinitionRequest {
	in := &ecsapi.RegisterTaskDefinitionRequest{
		Family: "web", Cpu: "256", Memory: "512", NetworkMode: ecsapi.NetworkModeAwsvpc, ExecutionRoleArn: "arn:aws:iam::000000000000:role/exec",
		RequiresCompatibilities: []ecsapi.Compatibility{ecsapi.CompatibilityFargate},
		ContainerDefinitions:    []ecsapi.ContainerDefinition{{Name: "app", Image: "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1"}},
	}
	if change != nil {
		change(in, &in.ContainerDefinitions[0])
	}
	return in
}

func TestRefused(t *testing.T) {
	type in = ecsapi.RegisterTaskDefinitionRequest
	type con = ecsapi.ContainerDefinition
	side := func(r *in, c con) { r.ContainerDefinitions = append(r.ContainerDefinitions, c) }
	for want, change := range map[string]func(*in, *con){
		"Family contains invalid characters.":                          func(r *in, c *con) { r.Family = "a b" },
		"A task definition can have at most 10 container definitions.": func(r *in, c *con) { r.ContainerDefinitions = make([]con, 11) },
		"Container list cannot be empty.":                              func(r *in, c *con) { r.ContainerDefinitions = nil },
		"Container.name should not be null or empty.":                  func(r *in, c *con) { c.Name = "" },
		"Container.image should not be null or empty.":                 func(r *in, c *con) { c.Image = "" },
		"Fargate only supports network mode ‘awsvpc’.":                 func(r *in, c *con) { r.NetworkMode = "bridge" },
		"Fargate requires that 'cpu' be defined at the task level.":    func(r *in, c *con) { r.Cpu = "" },
		"Fargate requires that 'memory' be defined at the task level.": func(r *in, c *con) { r.Memory = "" },
		"Invalid 'cpu' setting for task.":                              func(r *in, c *con) { r.Cpu = "lots" },
		"Invalid 'memory' setting for task.":                           func(r *in, c *con) { r.Memory = "-1 GB" },
		"given values: 1024 CPU, 1024 memory. See the Amazon ECS":      func(r *in, c *con) { r.Cpu, r.Memory = "1024", "1024" },
		"have execution role ARN to support ECR images.":               func(r *in, c *con) { r.ExecutionRoleArn = "" },
		"have execution role ARN to support log driver awslogs.":       func(r *in, c *con) { r.ExecutionRoleArn, c.Image = "", "nginx"; c.LogConfiguration = logs() },
		"you must also specify a value for 'executionRoleArn'.":        func(r *in, c *con) { r.ExecutionRoleArn = ""; c.Secrets = []ecsapi.Secret{{Name: "A", ValueFrom: "b"}} },
		"set on the container, such as 'A'.": func(r *in, c *con) {
			c.Environment = []ecsapi.KeyValuePair{{Name: "A"}}
			c.Secrets = []ecsapi.Secret{{Name: "A", ValueFrom: "b"}}
		},
		"When networkMode=awsvpc, the host ports and container ports in port mappings must match": func(r *in, c *con) {
			c.PortMappings = []ecsapi.PortMapping{{ContainerPort: ptr[int32](80), HostPort: ptr[int32](8080)}}
		},
		"The supported value for pidMode is 'task'.":                    func(r *in, c *con) { r.PidMode = "host" },
		"EphemeralStorage size should be at least 21":                   func(r *in, c *con) { r.EphemeralStorage = &ecsapi.EphemeralStorage{SizeInGiB: 20} },
		"Unknown volume 'v'.":                                           func(r *in, c *con) { c.MountPoints = []ecsapi.MountPoint{{SourceVolume: "v", ContainerPath: "/v"}} },
		"At least one container must be marked as essential.":           func(r *in, c *con) { c.Essential = ptr(false) },
		"'app' is used more than once":                                  func(r *in, c *con) { side(r, *c) },
		"must not exceed the cpu of the task":                           func(r *in, c *con) { c.Cpu = 257 },
		"must not exceed the memory of the task":                        func(r *in, c *con) { c.Memory = ptr[int32](513) },
		"'memory' must be greater than or equal to 'memoryReservation'": func(r *in, c *con) { c.Memory, c.MemoryReservation = ptr[int32](64), ptr[int32](65) },
		"Cannot depend on container 'x' because it does not exist": func(r *in, c *con) {
			c.DependsOn = []ecsapi.ContainerDependency{{ContainerName: "x", Condition: "START"}}
		},
		"HEALTHY condition must have health check configured": func(r *in, c *con) {
			c.DependsOn = []ecsapi.ContainerDependency{{ContainerName: "b", Condition: "HEALTHY"}}
			side(r, con{Name: "b", Image: "b"})
		},
		"cannot be an essential container": func(r *in, c *con) {
			c.DependsOn = []ecsapi.ContainerDependency{{ContainerName: "b", Condition: "SUCCESS"}}
			side(r, con{Name: "b", Image: "b"})
		},
		"must not form a cycle": func(r *in, c *con) {
			c.DependsOn = []ecsapi.ContainerDependency{{ContainerName: "b", Condition: "START"}}
			side(r, con{Name: "b", Image: "b", DependsOn: []ecsapi.ContainerDependency{{ContainerName: "app", Condition: "START"}}})
		},
		"Port 80/tcp is mapped by containers 'app' and 'b'": func(r *in, c *con) {
			c.PortMappings = []ecsapi.PortMapping{{ContainerPort: ptr[int32](80)}}
			side(r, con{Name: "b", Image: "b", PortMappings: c.PortMappings})
		},
		"interval must be between 5 and 300": func(r *in, c *con) {
			c.HealthCheck = &ecsapi.HealthCheck{Command: []string{"CMD", "x"}, Interval: ptr[int32](4)}
		},
		"must begin with CMD or CMD-SHELL":              func(r *in, c *con) { c.HealthCheck = &ecsapi.HealthCheck{Command: []string{"x"}} },
		"stopTimeout must be between 2 and 120 seconds": func(r *in, c *con) { c.StopTimeout = ptr[int32](121) },
		"restartAttemptPeriod must be between 60 and 1800 seconds": func(r *in, c *con) {
			c.RestartPolicy = &ecsapi.ContainerRestartPolicy{Enabled: true, RestartAttemptPeriod: ptr[int32](59)}
		},
		"ignoredExitCodes can have at most 50 exit codes": func(r *in, c *con) {
			c.RestartPolicy = &ecsapi.ContainerRestartPolicy{Enabled: true, IgnoredExitCodes: make([]int32, 51)}
		},
		"do not support privileged": func(r *in, c *con) { c.Privileged = ptr(true) },
		"do not support links":      func(r *in, c *con) { c.Links = []string{"a"} },
		"do not support devices": func(r *in, c *con) {
			c.LinuxParameters = &ecsapi.LinuxParameters{Devices: []ecsapi.Device{{HostPath: "/dev/x"}}}
		},
		"capability 'NET_ADMIN'": func(r *in, c *con) {
			c.LinuxParameters = &ecsapi.LinuxParameters{Capabilities: &ecsapi.KernelCapabilities{Add: []string{"NET_ADMIN"}}}
		},
		"does not carry out log driver 'splunk'":              func(r *in, c *con) { c.LogConfiguration = &ecsapi.LogConfiguration{LogDriver: "splunk"} },
		"does not carry out log option 'awslogs-x'":           func(r *in, c *con) { c.LogConfiguration = logs("awslogs-x", "x") },
		"Invalid value 'x' for log option 'awslogs-endpoint'": func(r *in, c *con) { c.LogConfiguration = logs("awslogs-endpoint", "x") },
		"Invalid value 'often' for log option 'mode'":         func(r *in, c *con) { c.LogConfiguration = logs("mode", "often") },
		"exclude each other": func(r *in, c *con) {
			c.LogConfiguration = logs("awslogs-datetime-format", "%Y", "awslogs-multiline-pattern", "^x")
		},
		"does not carry out firelensConfiguration":    func(r *in, c *con) { c.FirelensConfiguration = &ecsapi.FirelensConfiguration{} },
		"Invalid arn syntax for environment file 'x'": func(r *in, c *con) { c.EnvironmentFiles = []ecsapi.EnvironmentFile{{Value: "x", Type: "s3"}} },
		"The file must have the extension .env.": func(r *in, c *con) {
			c.EnvironmentFiles = []ecsapi.EnvironmentFile{{Value: "arn:aws:s3:::bucket/a.txt", Type: "s3"}}
		},
		"does not carry out proxyConfiguration": func(r *in, c *con) { r.ProxyConfiguration = &ecsapi.ProxyConfiguration{} },
		"volumes: efsVolumeConfiguration": func(r *in, c *con) {
			r.Volumes = []ecsapi.Volume{{Name: "v", EfsVolumeConfiguration: &ecsapi.EFSVolumeConfiguration{}}}
		},
		"operatingSystemFamily WINDOWS_SERVER_2022": func(r *in, c *con) {
			r.RuntimePlatform = &ecsapi.RuntimePlatform{OperatingSystemFamily: "WINDOWS_SERVER_2022_CORE"}
		},
		"requiresCompatibilities EXTERNAL":                  func(r *in, c *con) { r.RequiresCompatibilities = []ecsapi.Compatibility{"EXTERNAL"} },
		"'memory' or 'memoryReservation' must be specified": func(r *in, c *con) { r.RequiresCompatibilities, r.Memory = nil, "" },
	} {
		t.Run(want, func(t *testing.T) {
			_, err := Build("000000000000", valid(change))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func logs(options ...string) *ecsapi.LogConfiguration {
	l := &ecsapi.LogConfiguration{LogDriver: "awslogs", Options: map[string]string{"awslogs-group": "g", "awslogs-region": "us-east-1"}}
	for i := 0; i < len(options); i += 2 {
		l.Options[options[i]] = options[i+1]
	}
	return l
}

func TestNormalised(t *testing.T) {
	d, err := Build("000000000000", valid(func(r *ecsapi.RegisterTaskDefinitionRequest, c *ecsapi.ContainerDefinition) {
		r.Cpu, r.Memory, r.TaskRoleArn = ".25 vCPU", "0.5 GB", "task"
		c.PortMappings = []ecsapi.PortMapping{{ContainerPort: ptr[int32](80)}}
		c.HealthCheck = &ecsapi.HealthCheck{Command: []string{"CMD-SHELL", "true"}}
		c.LogConfiguration = logs("mode", "non-blocking", "max-buffer-size", "25m")
	}))
	if err != nil {
		t.Fatal(err)
	}
	d.Region, d.Revision = "us-east-1", 3
	got := Describe(d)
	want := &ecsapi.TaskDefinition{
		TaskDefinitionArn: "arn:aws:ecs:us-east-1:000000000000:task-definition/web:3", Family: "web", Revision: 3, Status: "ACTIVE",
		Cpu: "256", Memory: "512", NetworkMode: "awsvpc", TaskRoleArn: "arn:aws:iam::000000000000:role/task", ExecutionRoleArn: "arn:aws:iam::000000000000:role/exec",
		Volumes: []ecsapi.Volume{}, PlacementConstraints: []ecsapi.TaskDefinitionPlacementConstraint{},
		Compatibilities: []ecsapi.Compatibility{"EC2", "FARGATE"}, RequiresCompatibilities: []ecsapi.Compatibility{"FARGATE"},
		ContainerDefinitions: []ecsapi.ContainerDefinition{{
			Name: "app", Image: "000000000000.dkr.ecr.us-east-1.amazonaws.com/app:1", Essential: ptr(true),
			Environment: []ecsapi.KeyValuePair{}, MountPoints: []ecsapi.MountPoint{}, VolumesFrom: []ecsapi.VolumeFrom{}, SystemControls: []ecsapi.SystemControl{},
			PortMappings:     []ecsapi.PortMapping{{ContainerPort: ptr[int32](80), HostPort: ptr[int32](80), Protocol: "tcp"}},
			HealthCheck:      &ecsapi.HealthCheck{Command: []string{"CMD-SHELL", "true"}, Interval: ptr[int32](30), Timeout: ptr[int32](5), Retries: ptr[int32](3)},
			LogConfiguration: &ecsapi.LogConfiguration{LogDriver: "awslogs", Options: map[string]string{"awslogs-group": "g", "awslogs-region": "us-east-1", "mode": "non-blocking", "max-buffer-size": "25m"}},
		}},
	}
	attributes := map[string]bool{}
	for _, a := range got.RequiresAttributes {
		attributes[a.Name] = true
	}
	for _, a := range []string{"com.amazonaws.ecs.capability.logging-driver.awslogs", "ecs.capability.execution-role-awslogs", "com.amazonaws.ecs.capability.ecr-auth", "ecs.capability.execution-role-ecr-pull", "ecs.capability.task-eni", "com.amazonaws.ecs.capability.task-iam-role", "ecs.capability.container-health-check"} {
		if !attributes[a] {
			t.Errorf("attribute %s is missing", a)
		}
	}
	got.RequiresAttributes = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// Every field of a definition must survive the way into the record and back.
func TestRoundTrip(t *testing.T) {
	in := valid(func(r *ecsapi.RegisterTaskDefinitionRequest, c *ecsapi.ContainerDefinition) {
		r.Volumes = []ecsapi.Volume{{Name: "v", Host: &ecsapi.HostVolumeProperties{}}}
		r.PidMode, r.EphemeralStorage = "task", &ecsapi.EphemeralStorage{SizeInGiB: 30}
		r.RuntimePlatform = &ecsapi.RuntimePlatform{CpuArchitecture: "X86_64", OperatingSystemFamily: "LINUX"}
		r.ContainerDefinitions = append(r.ContainerDefinitions, ecsapi.ContainerDefinition{
			Name: "side", Image: "busybox", Essential: ptr(false), Cpu: 10, Memory: ptr[int32](64), MemoryReservation: ptr[int32](32),
			PortMappings: []ecsapi.PortMapping{{ContainerPort: ptr[int32](53), HostPort: ptr[int32](53), Protocol: "udp", Name: "dns"}},
			EntryPoint:   []string{"sh", "-c"}, Command: []string{"true"}, Environment: []ecsapi.KeyValuePair{{Name: "A", Value: "1"}},
			MountPoints: []ecsapi.MountPoint{{SourceVolume: "v", ContainerPath: "/v", ReadOnly: ptr(true)}}, VolumesFrom: []ecsapi.VolumeFrom{{SourceContainer: "app", ReadOnly: ptr(false)}},
			Secrets:   []ecsapi.Secret{{Name: "S", ValueFrom: "/s"}},
			DependsOn: []ecsapi.ContainerDependency{{ContainerName: "app", Condition: "START"}}, StartTimeout: ptr[int32](5), StopTimeout: ptr[int32](10),
			User: "1000:1000", WorkingDirectory: "/w", ReadonlyRootFilesystem: ptr(true), PseudoTerminal: ptr(true), Interactive: ptr(false), Privileged: ptr(false),
			DockerLabels: map[string]string{"a": "b"}, Ulimits: []ecsapi.Ulimit{{Name: "nofile", SoftLimit: 1, HardLimit: 2}},
			SystemControls: []ecsapi.SystemControl{{Namespace: "net.core.somaxconn", Value: "9"}}, VersionConsistency: "disabled",
			RepositoryCredentials: &ecsapi.RepositoryCredentials{CredentialsParameter: "arn:aws:secretsmanager:us-east-1:000000000000:secret:x"},
			HealthCheck:           &ecsapi.HealthCheck{Command: []string{"CMD", "true"}, Interval: ptr[int32](6), Timeout: ptr[int32](7), Retries: ptr[int32](8), StartPeriod: ptr[int32](9)},
			LinuxParameters:       &ecsapi.LinuxParameters{InitProcessEnabled: ptr(true), Capabilities: &ecsapi.KernelCapabilities{Add: []string{"SYS_PTRACE"}, Drop: []string{"ALL"}}, Tmpfs: []ecsapi.Tmpfs{{ContainerPath: "/t", Size: 1, MountOptions: []string{"noexec"}}}},
			RestartPolicy:         &ecsapi.ContainerRestartPolicy{Enabled: true, IgnoredExitCodes: []int32{0}, RestartAttemptPeriod: ptr[int32](60)},
		})
	})
	d, err := Build("000000000000", in)
	if err != nil {
		t.Fatal(err)
	}
	got := Describe(d)
	if !reflect.DeepEqual(got.ContainerDefinitions[1], in.ContainerDefinitions[1]) {
		t.Errorf("got  %+v\nwant %+v", got.ContainerDefinitions[1], in.ContainerDefinitions[1])
	}
	if got.PidMode != "task" || got.EphemeralStorage.SizeInGiB != 30 || !reflect.DeepEqual(got.Volumes, in.Volumes) || !reflect.DeepEqual(got.RuntimePlatform, in.RuntimePlatform) {
		t.Errorf("task: %+v", got)
	}
}

func TestFargateSizes(t *testing.T) {
	for _, ok := range []string{"256 512", "256 1024", "256 2048", "512 4096", "1024 2048", "1024 8192", "4096 30720", "8192 61440", "16384 122880"} {
		cpu, memory, _ := strings.Cut(ok, " ")
		if err := CheckFargateSize(cpu, memory); err != nil {
			t.Error(ok, err)
		}
	}
	for _, bad := range []string{"256 1536", "256 4096", "300 512", "512 512", "512 1536", "1024 1024", "8192 18432", "16384 36864"} {
		cpu, memory, _ := strings.Cut(bad, " ")
		if CheckFargateSize(cpu, memory) == nil {
			t.Error(bad, "accepted")
		}
	}
}

func TestEC2Only(t *testing.T) {
	d, err := Build("000000000000", valid(func(r *ecsapi.RegisterTaskDefinitionRequest, c *ecsapi.ContainerDefinition) {
		r.RequiresCompatibilities, r.Cpu, r.Memory, r.NetworkMode = nil, "", "", "bridge"
		c.Memory = ptr[int32](64)
		c.PortMappings = []ecsapi.PortMapping{{ContainerPort: ptr[int32](80)}}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d.Compatibilities, []string{"EC2"}) || *d.Containers[0].PortMappings[0].HostPort != 0 {
		t.Errorf("%+v", d)
	}
}
