// Copies a file.
package main

import "os"

func main() {
	text, err := os.ReadFile("in/0")
	if err == nil {
		err = os.WriteFile("out/go", text, 0o644)
	}
	if err != nil {
		panic(err)
	}
}
