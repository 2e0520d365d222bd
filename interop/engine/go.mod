module statemesh.example/engine

go 1.25.0

require github.com/pancsta/asyncmachine-go v0.19.1
