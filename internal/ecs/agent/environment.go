package agent

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// metadataHost is where metadata and credentials are served inside a VPC.
const metadataHost = "http://169.254.170.2"

// runtimeID is the id of a container in the runtime, as Fargate writes it:
// the task's id and some ten digits.
func runtimeID(t *state.Task, i int) string {
	h := fnv.New32a()
	h.Write([]byte(t.Containers[i].Name))
	return fmt.Sprintf("%s-%d%09d", t.ID, i+1, h.Sum32()%1_000_000_000)
}

// environment is what a container finds in its environment beyond its image's.
// Later values win.
func environment(t *state.Task, i int, def state.ContainerDefinition, image runtime.ImageConfig, face *Interface, tr trust, secrets []string) []string {
	own := map[string]bool{}
	for _, e := range image.Environment {
		name, _, _ := strings.Cut(e, "=")
		own[name] = true
	}
	for _, e := range def.Environment {
		own[e.Name] = true
	}
	for _, e := range secrets {
		name, _, _ := strings.Cut(e, "=")
		own[name] = true
	}
	id := runtimeID(t, i)
	out := []string{
		"AWS_EXECUTION_ENV=AWS_ECS_FARGATE",
		"ECS_CONTAINER_METADATA_URI=" + metadataHost + "/v3/" + id,
		"ECS_CONTAINER_METADATA_URI_V4=" + metadataHost + "/v4/" + id,
		"ECS_AGENT_URI=" + metadataHost + "/api/" + id,
		"HOSTNAME=" + face.HostnameInVPC,
	}
	if t.TaskRoleARN != "" {
		out = append(out, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/"+t.CredentialsID)
	}
	if !own["AWS_REGION"] && !own["AWS_DEFAULT_REGION"] {
		out = append(out, "AWS_REGION="+t.Region, "AWS_DEFAULT_REGION="+t.Region)
	}
	out = append(out, tr.environment(func(name string) bool { return own[name] })...)
	for _, e := range def.Environment {
		out = append(out, e.Name+"="+e.Value)
	}
	return out
}

// secretEnvironment is the part of a container's environment that must not be
// written down: secrets, and what environment files say of names that the
// definition does not set itself.
func secretEnvironment(def state.ContainerDefinition, files, secrets []string) []string {
	own := map[string]bool{}
	for _, e := range def.Environment {
		own[e.Name] = true
	}
	for _, e := range secrets {
		name, _, _ := strings.Cut(e, "=")
		own[name] = true
	}
	var out []string
	for _, e := range files {
		if name, _, _ := strings.Cut(e, "="); !own[name] {
			out = append(out, e)
		}
	}
	return append(out, secrets...)
}

// args is the command line of a container; nil for the image's own.
func args(def state.ContainerDefinition, image runtime.ImageConfig) []string {
	switch {
	case len(def.EntryPoint) > 0:
		return append(append([]string(nil), def.EntryPoint...), def.Command...)
	case len(def.Command) > 0:
		return append(append([]string(nil), image.Entrypoint...), def.Command...)
	}
	return nil
}
