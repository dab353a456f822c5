// Package supervisor is what runs beside containers: the shim, parent of a task's
// containers, which outlives us, and the first process inside a container that
// asks for one. Both are roles of one program, started by package containerd.
//
// It imports little, on purpose: every task pays the start of this program twice
// (the shim starts itself once more) and its memory as long as it runs. The build
// makes a program of its own of it (../shim), which our binary carries; without
// that our binary takes on the roles, at three to four times the price.
package supervisor
