// Package engine measures the reference engine in the cases of crates/core/benches/engine.rs.
//
// The unit is one public call, the automatic transition it causes included.
package engine

import (
	"context"
	"fmt"
	"testing"

	am "github.com/pancsta/asyncmachine-go/pkg/machine"
)

func exclusive() am.Schema {
	return am.Schema{"A": {Remove: am.S{"B"}}, "B": {Remove: am.S{"A"}}}
}

// Ten states, of which Ready is Auto: an order from receipt to delivery.
func flow() am.Schema {
	return am.Schema{
		"Start":     {},
		"Ready":     {Auto: true, Require: am.S{"Start"}},
		"Received":  {Require: am.S{"Start"}, Remove: am.S{"Packed", "Sent", "Delivered"}, Add: am.S{"Logged"}},
		"Packed":    {Require: am.S{"Start"}, Remove: am.S{"Received", "Sent", "Delivered"}, Add: am.S{"Logged"}},
		"Sent":      {Require: am.S{"Start"}, Remove: am.S{"Received", "Packed", "Delivered"}},
		"Delivered": {Require: am.S{"Start"}, Remove: am.S{"Received", "Packed", "Sent"}, Add: am.S{"Billed"}},
		"Logged":    {},
		"Billed":    {Require: am.S{"Start"}},
		"Retry":     {Multi: true},
		"Exception": {Multi: true},
	}
}

// Each state removes the two behind it, implies the next but three, and requires the first.
func dense(states int) (am.Schema, am.S) {
	schema := am.Schema{"S0": {}}
	names := am.S{"S0"}
	for at := 1; at < states; at++ {
		next := func(by int) string { return fmt.Sprintf("S%d", 1+(at-1+by)%(states-1)) }
		name := fmt.Sprintf("S%d", at)
		schema[name] = am.State{
			Require: am.S{"S0"},
			Remove:  am.S{next(1), next(2)},
			Add:     am.S{next(4)},
			After:   am.S{next(3)},
		}
		names = append(names, name)
	}
	return schema, append(names, am.StateException)
}

func machine(b *testing.B, schema am.Schema, names am.S) *am.Machine {
	b.Helper()
	mach := am.New(context.Background(), schema, &am.Opts{Id: "bench"})
	if err := mach.VerifyStates(names); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(mach.Dispose)
	return mach
}

func flowMachine(b *testing.B) *am.Machine {
	b.Helper()
	mach := machine(b, flow(), am.S{
		"Start", "Ready", "Received", "Packed", "Sent", "Delivered", "Logged", "Billed", "Retry", am.StateException,
	})
	mach.Add1("Start", nil)
	return mach
}

// Adds one state after another, round and round.
func adds(b *testing.B, mach *am.Machine, states ...string) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if mach.Add1(states[i%len(states)], nil) != am.Executed {
			b.Fatal("not executed")
		}
	}
}

func BenchmarkToggle(b *testing.B) {
	adds(b, machine(b, exclusive(), am.S{"A", "B", am.StateException}), "A", "B")
}

type handlers struct{ *am.ExceptionHandler }

func (*handlers) AEnter(*am.Event) bool { return true }
func (*handlers) AState(*am.Event)      {}
func (*handlers) BState(*am.Event)      {}

func BenchmarkToggleWithHandlers(b *testing.B) {
	mach := machine(b, exclusive(), am.S{"A", "B", am.StateException})
	if _, err := mach.HandlersBind(&handlers{}); err != nil {
		b.Fatal(err)
	}
	adds(b, mach, "A", "B")
}

func BenchmarkFlow(b *testing.B) {
	adds(b, flowMachine(b), "Received", "Packed", "Sent", "Delivered")
}

func BenchmarkMulti(b *testing.B) {
	adds(b, flowMachine(b), "Retry")
}

func BenchmarkIs(b *testing.B) {
	mach := flowMachine(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		if !mach.Is1("Start") {
			b.Fatal("not active")
		}
	}
}

func benchmarkDense(b *testing.B, states int) {
	schema, names := dense(states)
	mach := machine(b, schema, names)
	mach.Add1("S0", nil)
	adds(b, mach, "S1", "S8", "S40")
}

func BenchmarkDense100(b *testing.B)  { benchmarkDense(b, 100) }
func BenchmarkDense1000(b *testing.B) { benchmarkDense(b, 1000) }

func BenchmarkToggleBesideWaits(b *testing.B) {
	schema, names := dense(1000)
	for name, state := range exclusive() {
		schema[name] = state
	}
	mach := machine(b, schema, append(am.S{"A", "B"}, names...))
	for _, name := range names[:1000] {
		mach.When1(name, nil)
	}
	adds(b, mach, "A", "B")
}

func BenchmarkFlowWithSteps(b *testing.B) {
	mach := flowMachine(b)
	mach.SemLogger().EnableSteps(true)
	adds(b, mach, "Received", "Packed", "Sent", "Delivered")
}
