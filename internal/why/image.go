package why

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// ecrImage takes the name of an image in ECR apart: account, region, repository, tag.
var ecrImage = regexp.MustCompile(`^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:@]+)(?::([^@]+))?`)

// shownNames is how many tags or repositories a cause lists.
const shownNames = 10

// missingImage completes the finding about an image that the registry does not
// have by what it has instead.
func (n names) missingImage(t *state.Task, f *Finding) {
	image := f.Where
	f.Resource = t.TaskDefinition
	m := ecrImage.FindStringSubmatch(image)
	if m == nil || m[1] != n.account {
		f.Fixes = n.rollBack(t)
		return
	}
	host, region, name, tag := strings.TrimSuffix(image[:strings.Index(image, "/")+1], "/"), m[2], m[3], m[4]
	f.Where = image + ", in " + n.where(t.TaskDefinition)
	if _, ok := state.Repositories.Get(n.tx, state.Key(n.account, region, name)); !ok {
		f.Code = "reg.not-found"
		n.missingRepository(t, f, host, region, name, tag)
		return
	}
	var tags []string
	for i := range state.Images.All(n.tx, state.RepositoryItemKey(n.account, region, name, "")) {
		tags = append(tags, i.Tags...)
	}
	tags = nearest(tag, tags)
	if tag != "" {
		f.Cause = fmt.Sprintf("the repository %s has no tag %s; it has %s", name, tag, listed("tag", tags))
	}
	if len(tags) > 0 {
		f.Fixes = n.useImage(t, image, host+"/"+name+":"+tags[0])
	}
	f.Fixes = append(f.Fixes, n.push(t, image)...)
}

// missingRepository explains a repository that does not exist: often its name is
// a slip of one that does.
func (n names) missingRepository(t *state.Task, f *Finding, host, region, name, tag string) {
	var all []string
	for r := range state.Repositories.All(n.tx, state.Prefix(n.account, region)) {
		all = append(all, r.Name)
	}
	all = nearest(name, all)
	f.Cause = fmt.Sprintf("there is no repository %s in %s; there is %s", name, region, listed("repository", all))
	f.Fixes = nil
	if len(all) > 0 && alike(name, all[0]) {
		f.Fixes = n.useImage(t, host+"/"+name+":"+tag, host+"/"+all[0]+":"+tag)
	}
	create := decision.Fix{Lang: LangCLI, Target: "and push the image", Text: fmt.Sprintf("aws ecr create-repository --region %s --repository-name %s", region, name)}
	f.Fixes = append(f.Fixes, create)
	f.Fixes = append(f.Fixes, n.push(t, host+"/"+name+":"+tag)...)
}

// push is the fix for an image that was only not pushed yet.
func (n names) push(t *state.Task, image string) []decision.Fix {
	return []decision.Fix{{Lang: LangCLI, Target: "if it was only not pushed yet", Text: lines("docker push "+image, n.retry(t))}}
}

// useImage names another image in the task definition.
func (n names) useImage(t *state.Task, image, instead string) []decision.Fix {
	d := taskDefinition(n.tx, t.TaskDefinition)
	if d == nil {
		return nil
	}
	for _, c := range d.Containers {
		if c.Image == image {
			return n.revise(t, edit{container: c.Name, set: map[string]any{"image": instead},
				cfn: "# in the container definition of " + c.Name + "\nImage: " + instead, hcl: "# in the container definition of " + c.Name + "\nimage = \"" + instead + "\""})
		}
	}
	return nil
}

// wrongPlatform completes the finding about an image that is not built for the
// task's architecture: the task can be told to take the other one.
func (n names) wrongPlatform(t *state.Task, f *Finding) {
	f.Resource = t.TaskDefinition
	want, other := "X86_64", "ARM64"
	if d := taskDefinition(n.tx, t.TaskDefinition); d != nil && d.Platform != nil && d.Platform.CPUArchitecture == "ARM64" {
		want, other = "ARM64", "X86_64"
	}
	f.Cause += "; the task asks for " + want
	f.Fixes = append(n.revise(t, edit{task: map[string]any{"runtimePlatform": map[string]string{"cpuArchitecture": other, "operatingSystemFamily": "LINUX"}},
		cfn: "RuntimePlatform: { CpuArchitecture: " + other + ", OperatingSystemFamily: LINUX }", hcl: "runtime_platform {\n  cpu_architecture        = \"" + other + "\"\n  operating_system_family = \"LINUX\"\n}"}),
		n.rollBack(t)...)
}

// wrongProgram explains a process that the kernel could not execute.
func (n names) wrongProgram(t *state.Task, c state.Container, f *Finding) {
	f.Code = "reg.arch"
	f.Cause = "the program of container " + c.Name + " is built for another architecture: exec format error"
}

// listed names what there is of something, the most alike first.
func listed(kind string, all []string) string {
	plural := kind + "s"
	if kind == "repository" {
		plural = "repositories"
	}
	switch len(all) {
	case 0:
		return "no " + plural
	case 1:
		return "the " + kind + " " + all[0]
	}
	text := "the " + plural + " " + strings.Join(all[:min(len(all), shownNames)], ", ")
	if more := len(all) - shownNames; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// containerOf finds the container whose definition names a secret.
func containerOf(d *state.TaskDefinition, from string) (c state.ContainerDefinition, at int, ok bool) {
	for _, c := range d.Containers {
		if i := slices.IndexFunc(c.Secrets, func(s state.NameValue) bool { return strings.HasPrefix(s.Value, from) }); i >= 0 {
			return c, i, true
		}
	}
	return c, 0, false
}
