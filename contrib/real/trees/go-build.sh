# needs: go
# go build with a cache of its own: hundreds of files, locks, renames, programs made and run.
export GOCACHE=$PWD/cache GOPATH=$PWD/path GOFLAGS=-mod=mod GOTOOLCHAIN=local GOPROXY=off HOME=$PWD; mkdir m && cd m || exit 1
printf 'module example.org/m\n' >go.mod
printf 'package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tfmt.Println("built", len(os.Args))\n}\n' >main.go
printf 'package main\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {\n\tif os := t.TempDir(); os == "" {\n\t\tt.Fatal("none")\n\t}\n}\n' >main_test.go
go build -o prog . && ./prog a b && go vet . && go test . | cut -f1,2 && go build -x -o prog . 2>&1 | grep -c compile; go run . ; go clean -cache; ls
