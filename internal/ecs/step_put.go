package ecs

import (
	"reflect"

	"github.com/neargate/neargate/internal/state"
)

// put stores the service if the step changed anything, so that a step without
// effect does not call for the next.
func (st *step) put() {
	if reflect.DeepEqual(&st.svc, st.before) {
		return
	}
	svc := st.svc
	state.Services.Put(st.tx, &svc)
}
