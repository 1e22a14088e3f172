// Package guides keeps the guides in docs/ true: the code that they show stands here or in
// the other examples, where it compiles and is tested.
package guides
