package check

import (
	"fmt"
	"strings"
)

// execActions are what the session agent in a task asks for, as the task role.
var execActions = []string{"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel", "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"}

// exec checks what ECS Exec needs, where a service has it enabled.
func (w *walk) exec() {
	if w.service == nil || !strings.EqualFold(w.service.get("EnableExecuteCommand").Str(), "true") {
		return
	}
	w.needed["ssmmessages"] = true
	w.arrives(w.host("ssmmessages"))
	lang := w.task.Stack.Lang
	if w.def.TaskRoleARN == "" {
		f := Finding{Severity: Error, Code: "exec.no-task-role",
			Message: fmt.Sprintf("%s has EnableExecuteCommand, and its task definition %s has no task role, as which the session would be opened", w.service.label(), w.task.label()),
			AWSSays: "InvalidParameterException: The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.",
			Fix:     Fix{Lang: lang, Target: w.task.label(), Text: "TaskRoleArn: !GetAtt TaskRole.Arn"}}
		if lang == terraformLang {
			f.Fix.Text = "task_role_arn = aws_iam_role.task.arn"
		}
		w.findAt(w.service, f, "EnableExecuteCommand")
		return
	}
	role := w.roleOf(w.def.TaskRoleARN)
	if w.own == nil || role == nil {
		return
	}
	for _, action := range execActions {
		if err := w.instance.May(w.own, action, "*"); err != nil {
			w.lacking(role, "exec.permission", "open sessions of ECS Exec", []string{action}, "*", err)
		}
	}
}
