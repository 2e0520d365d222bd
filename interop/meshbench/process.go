package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what this process and the loopback used up to a moment.
type usage struct {
	cpu      time.Duration
	loopback float64
}

func now() usage { return usage{cpu(), loopback()} }

// since is what was used since then: processor time, and bytes that the loopback carried, headers included.
func (u usage) since() (time.Duration, float64) { return cpu() - u.cpu, loopback() - u.loopback }

func cpu() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func loopback() float64 { return field("/proc/self/net/dev", "lo:") }

// rss is the resident memory in bytes.
func rss() float64 { return field("/proc/self/status", "VmRSS:") * 1024 }

// field is the first number behind a label; zero where there is none.
func field(file, label string) float64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), label)
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	value, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0
	}
	return value
}
