// Command probe is what the cluster's own tests run in pods: it serves a page,
// fetches one, and writes and reads files. It uses Go's own resolver.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: probe serve TEXT | get URL | write FILE TEXT | hold FILE")
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		log.Fatalf("probe: %v", err)
	}
}

func run(command string, args []string) error {
	switch {
	case command == "serve" && len(args) == 1:
		return serve(args[0])
	case command == "get" && len(args) == 1:
		return get(args[0])
	case command == "write" && len(args) == 2:
		return os.WriteFile(args[0], []byte(args[1]), 0o600)
	case command == "hold" && len(args) == 1:
		return hold(args[0])
	default:
		return fmt.Errorf("do not know how to %s %q", command, args)
	}
}

// serve answers every request on port 8080 with the text, and a request for
// /stream with two pieces half a second apart.
func serve(text string) error {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s host=%s forwarded=%s\n", text, r.Host, r.Header.Get("X-Forwarded-Host"))
	})
	http.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "first")
		if err := http.NewResponseController(w).Flush(); err != nil {
			log.Print(err)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-r.Context().Done():
		}
		fmt.Fprintln(w, "second")
	})
	return http.ListenAndServe(":8080", nil)
}

func get(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return nil
}

// hold prints the file, if it is there, and runs until it is stopped.
func hold(path string) error {
	content, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	fmt.Printf("holds %q\n", content)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	return nil
}
