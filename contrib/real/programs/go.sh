# needs: go
# A Go program with goroutines that spin (so that the runtime preempts them by SIGURG), collections and children.
if [ ! -x "$REAL_CACHE/go-program" ]; then
	cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

func spin(n int) (sum uint64) {
	for i := 0; i < n; i++ {
		sum += uint64(i) ^ sum<<1
	}
	return
}

func main() {
	var group sync.WaitGroup
	var children, calls atomic.Int64
	sums := make([]uint64, 8)
	for g := 0; g < 8; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			sums[g] = spin(30000000)
			var keep [][]byte
			for i := 0; i < 200; i++ {
				keep = append(keep, make([]byte, 20000))
				if _, err := os.Stat("/"); err == nil && os.Getppid() > 0 {
					calls.Add(1)
				}
				os.Hostname()
			}
			runtime.KeepAlive(keep)
			for i := 0; i < 5; i++ {
				if exec.Command("true").Run() == nil {
					children.Add(1)
				}
			}
		}(g)
	}
	for i := 0; i < 20; i++ {
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	group.Wait()
	fmt.Println(sums[0] == sums[7], children.Load(), calls.Load(), os.Getuid())
	os.Exit(3)
}
GO
	GOCACHE=$REAL_CACHE/gocache GOFLAGS=-mod=mod GO111MODULE=off go build -o "$REAL_CACHE/go-program" main.go || exit 1
fi
exec "$REAL_CACHE/go-program"
