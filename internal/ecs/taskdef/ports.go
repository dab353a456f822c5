package taskdef

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

var portNamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// checkPorts checks the port mappings of all containers, which share one
// network namespace under awsvpc.
func checkPorts(d *state.TaskDefinition) error {
	names, used := map[string]bool{}, map[string]string{}
	for _, c := range d.Containers {
		for _, p := range c.PortMappings {
			if err := checkPort(d, c, p); err != nil {
				return err
			}
			if p.Name != "" {
				if !portNamePattern.MatchString(p.Name) {
					return clientError("Invalid port mapping name '%s': up to 64 lower-case letters, numbers, hyphens and underscores are allowed.", p.Name)
				}
				if names[p.Name] {
					return clientError("The port mapping name '%s' is already used.", p.Name)
				}
				names[p.Name] = true
			}
			if p.ContainerPort == nil || d.NetworkMode != "awsvpc" {
				continue
			}
			key := strconv.Itoa(int(*p.ContainerPort)) + "/" + p.Protocol
			if other, taken := used[key]; taken {
				return clientError("Port %s is mapped by containers '%s' and '%s'; containers of a task share their ports.", key, other, c.Name)
			}
			used[key] = c.Name
		}
	}
	return nil
}

func checkPort(d *state.TaskDefinition, c state.ContainerDefinition, p state.PortMapping) error {
	shared := d.NetworkMode == "awsvpc" || d.NetworkMode == "host"
	switch {
	case p.ContainerPortRange != "" && p.ContainerPort != nil:
		return clientError("Invalid port mapping for container '%s': containerPort and containerPortRange exclude each other.", c.Name)
	case p.ContainerPortRange != "":
		return checkRange(c.Name, p.ContainerPortRange)
	case p.ContainerPort == nil || *p.ContainerPort < 1 || *p.ContainerPort > 65535:
		return clientError("Invalid port mapping for container '%s': containerPort must be between 1 and 65535.", c.Name)
	case p.HostPort != nil && (*p.HostPort < 0 || *p.HostPort > 65535):
		return clientError("Invalid port mapping for container '%s': hostPort must be between 0 and 65535.", c.Name)
	case shared && p.HostPort != nil && *p.HostPort != *p.ContainerPort:
		return clientError("When networkMode=%s, the host ports and container ports in port mappings must match.", d.NetworkMode)
	}
	return nil
}

func checkRange(name, ports string) error {
	from, to, _ := strings.Cut(ports, "-")
	low, err1 := strconv.Atoi(from)
	high, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || low < 1 || high > 65535 || low > high {
		return clientError("Invalid port mapping for container '%s': containerPortRange '%s'.", name, ports)
	}
	return nil
}
