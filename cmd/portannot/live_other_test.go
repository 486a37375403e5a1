//go:build !linux

package main

func replay() {}
