// Package top shows the services of a run on a terminal while it goes on.
//
// The run counts its flows on a Board, which looks at them a little at a time and
// makes a Snapshot twice a second. A Model keeps what the user sees of it, and Run
// draws that on the terminal, in a goroutine of its own. A slow terminal holds up no
// packet.
package top

import (
	"context"
	"fmt"
	"time"

	"github.com/clipperhouse/displaywidth"
	"github.com/gdamore/tcell/v3"
	"github.com/gdamore/tcell/v3/color"
)

// Screen is the terminal while the program has it.
type Screen struct {
	screen tcell.Screen
	color  bool
}

// Open takes the terminal. Close gives it back.
func Open(useColor bool) (*Screen, error) {
	s, err := tcell.NewScreen()
	if err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	if err := s.Init(); err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	s.HideCursor()
	return &Screen{s, useColor}, nil
}

// Close restores the terminal as it was. It may be called again.
func (s *Screen) Close() { s.screen.Fini() }

// drawEvery is how often the screen is drawn at most.
const drawEvery = 200 * time.Millisecond

// messageTime is how long a message stands in the place of the keys.
const messageTime = 10 * time.Second

// Run shows what board has until ctx is done or the user quits. messages gives the
// latest thing that the run had to say. If drawing panics, the terminal is restored
// first.
func (s *Screen) Run(ctx context.Context, m *Model, board *Board, messages func() string) {
	defer s.Close()
	m.Choose = board.Choose
	s.draw(m)
	var said time.Time // when m.Message was
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case ev, ok := <-s.screen.EventQ():
			if !ok {
				return
			}
			switch ev := ev.(type) {
			case *tcell.EventKey:
				if ev.Pressed() && m.Press(nameOf(ev)) {
					return
				}
				if m.Message = ""; len(s.screen.EventQ()) > 0 {
					continue // more keys wait
				}
			case *tcell.EventResize:
				s.screen.Sync()
			case *tcell.EventError:
				return // the terminal has gone
			default:
				continue
			}
			s.draw(m)
		case <-tick.C:
			changed := false
			select {
			case <-board.Changed():
				m.Show(board.Latest())
				changed = true
			default:
			}
			if text := messages(); text != "" {
				m.Message, said, changed = text, time.Now(), true
			} else if m.Message != "" && time.Since(said) > messageTime {
				m.Message, changed = "", true
			}
			if changed {
				s.draw(m)
			}
		}
	}
}

var keyNames = map[tcell.Key]string{
	tcell.KeyUp: "up", tcell.KeyDown: "down", tcell.KeyLeft: "left", tcell.KeyPgUp: "pgup", tcell.KeyPgDn: "pgdn",
	tcell.KeyHome: "home", tcell.KeyEnd: "end", tcell.KeyEnter: "enter", tcell.KeyEsc: "esc",
	tcell.KeyBackspace: "backspace", tcell.KeyBackspace2: "backspace", tcell.KeyCtrlC: "ctrl-c",
}

// nameOf gives a key as Model.Press takes it.
func nameOf(ev *tcell.EventKey) string {
	if ev.Key() == tcell.KeyRune {
		if ev.Modifiers()&tcell.ModCtrl != 0 {
			return "ctrl-" + ev.Str()
		}
		return ev.Str()
	}
	return keyNames[ev.Key()]
}

func (s *Screen) style(style Style) tcell.Style {
	t := tcell.StyleDefault
	switch style {
	case Title:
		t = t.Bold(true)
	case Cursor:
		t = t.Reverse(true)
	case Alarm:
		if t = t.Bold(true); s.color {
			t = t.Foreground(color.Maroon) // 1 of the terminal: bright red is hard to read on white
		}
	case Notice:
		if s.color {
			t = t.Foreground(color.Olive) // 3
		}
	case Faint:
		t = t.Dim(true)
	}
	return t
}

func (s *Screen) draw(m *Model) {
	m.Resize(s.screen.Size())
	s.screen.Clear()
	for y, line := range m.Lines() {
		x := 0
		for _, span := range line {
			s.screen.PutStrStyled(x, y, span.Text, s.style(span.Style))
			x += displaywidth.String(span.Text)
		}
	}
	s.screen.Show()
}
