package main

import (
	"os"

	"github.com/neargate/neargate/internal/instance"
	"github.com/spf13/cobra"
)

// commands lists the verbs, one file each, in the order of the help page.
func commands(opts *options) []*cobra.Command {
	return []*cobra.Command{
		upCommand(opts),
		downCommand(opts),
		statusCommand(opts),
		envCommand(opts),
		runCommand(opts),
		doctorCommand(opts),
		trustCommand(opts),
		accountCommand(opts),
		imageCommand(opts),
		deployCommand(opts),
		psCommand(opts),
		logsCommand(opts),
		checkCommand(opts),
		whyCommand(opts),
		timelineCommand(opts),
		reachCommand(opts),
		netCommand(opts),
		unusedCommand(opts),
		costCommand(opts),
		iamCommand(opts),
		explainCommand(opts),
		interruptCommand(opts),
		versionCommand(opts),
		demoCommand(opts),
		demoAppCommand(),
		coverageCommand(),
		diagnosesCommand(),
	}
}

func defaultDataDir() string {
	if dir := os.Getenv("NEARGATE_DATA_DIR"); dir != "" {
		return dir
	}
	return instance.DefaultDataDir
}
