// Command compare times commands side by side: each in turn, several rounds
// after one that is not counted, so that a machine whose speed drifts slows all
// alike. It prints a Markdown table of medians and of ratios to the first one.
//
//	compare -n 5 -title "mixed" <commands
//
// Each line of standard input is a name, a tab, and a command for the shell.
// Standard output of the commands goes to /dev/null.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

type contender struct {
	name, command string
	wall, cpu     []float64 // seconds
	memory        []float64 // MiB, the largest single process
	failed        string
}

func main() {
	n := flag.Int("n", 5, "rounds")
	title := flag.String("title", "", "heading of the first column")
	limit := flag.Duration("limit", 2*time.Minute, "drop a command whose first run takes longer")
	flag.Parse()
	var list []*contender
	sc := bufio.NewScanner(os.Stdin)
	for sc.Scan() {
		name, command, ok := strings.Cut(sc.Text(), "\t")
		if ok {
			list = append(list, &contender{name: name, command: command})
		}
	}
	for round := range *n + 1 {
		for _, c := range list {
			if c.failed == "" {
				c.run(round > 0, *limit)
			}
		}
	}
	fmt.Printf("| %s | ratio | min–max | seconds | CPU s | MiB |\n|---|---|---|---|---|---|\n", *title)
	base := list[0]
	for _, c := range list {
		if c.failed != "" {
			fmt.Printf("| %s | | | %s | | |\n", c.name, c.failed)
			continue
		}
		var ratios []float64
		for i := range c.wall {
			ratios = append(ratios, c.wall[i]/base.wall[i])
		}
		fmt.Printf("| %s | %.2f | %.2f–%.2f | %.3f | %.3f | %.0f |\n", c.name, median(ratios), slices.Min(ratios), slices.Max(ratios),
			median(c.wall), median(c.cpu), median(c.memory))
	}
}

func (c *contender) run(count bool, limit time.Duration) {
	cmd := exec.Command("sh", "-c", "exec "+c.command)
	if strings.ContainsAny(c.command, "|;&") {
		cmd = exec.Command("sh", "-c", c.command)
	}
	start := time.Now()
	err := cmd.Start()
	if err == nil {
		timer := time.AfterFunc(limit, func() { cmd.Process.Kill() })
		err = cmd.Wait()
		timer.Stop()
	}
	wall := time.Since(start)
	if err != nil {
		c.failed = fmt.Sprint(err)
		if wall >= limit {
			c.failed = fmt.Sprintf("over %v", limit)
		}
		return
	}
	if !count {
		return
	}
	c.wall = append(c.wall, wall.Seconds())
	st := cmd.ProcessState
	c.cpu = append(c.cpu, (st.UserTime() + st.SystemTime()).Seconds())
	if u, ok := st.SysUsage().(*syscall.Rusage); ok {
		c.memory = append(c.memory, float64(u.Maxrss)/1024)
	} else {
		c.memory = append(c.memory, 0)
	}
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
