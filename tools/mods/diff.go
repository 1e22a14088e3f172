package main

import "strings"

// diff returns the lines that differ, marked - and +, each run of them with the
// line before it. The files are short, so the quadratic way is fast enough.
func diff(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	common := commonSuffixes(a, b)
	var out []string
	context := ""
	same := true
	mark := func(sign, line string) {
		if same && context != "" {
			out = append(out, "  "+context)
		}
		same = false
		out = append(out, sign+" "+line)
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			context, same = a[i], true
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			mark("-", a[i])
			i++
		default:
			mark("+", b[j])
			j++
		}
	}
	return strings.Join(out, "\n")
}

// commonSuffixes tells, for every pair of positions, how many lines the rests of
// both files have in common, in order.
func commonSuffixes(a, b []string) [][]int {
	n := make([][]int, len(a)+1)
	for i := range n {
		n[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	return n
}
