// Package shop is here for the sake of its syntax.
package shop

import (
	"errors"
	"fmt"

	str "strings"
)

const (
	open = iota
	paid
)

type Number interface{ ~int | ~float64 }

// Order is one.
type Order[T Number] struct {
	ID    string `json:"id"`
	Lines []Line
	total T
	meta  map[string]func(int) (bool, error)
}

type Line struct{ Sku string }

var ErrNone = errors.New("none")

func (o *Order[T]) Add(lines ...Line) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	for i, line := range lines {
		switch {
		case line.Sku == "":
			continue
		case i > 10 && !str.HasPrefix(line.Sku, `x`):
			break
		default:
			o.Lines = append(o.Lines, line)
			fallthrough
		case i < 0:
			n++
		}
	}
	return n, nil
}

func watch(in <-chan int, out chan<- string) {
outer:
	for {
		select {
		case v, ok := <-in:
			if !ok {
				break outer
			} else if v&^1 == 0 {
				goto done
			}
			out <- fmt.Sprint(v, 'x', 0x1f, 1.5e3, 2i)
		default:
			go func(a, b int) { _ = a << uint(b) }(1, 2)
		}
	}
done:
	var x interface{} = [...]int{1, 2: 3}
	if y, ok := x.([]int); ok {
		_ = y[1:2:2]
	}
	m := map[string]Line{"a": {Sku: "b"}}
	delete(m, "a")
}
