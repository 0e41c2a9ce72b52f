# needs: node
# node: timers, worker threads, child processes, files.
cat >t.js <<'JS'
const {execFile, spawn} = require("child_process"), fs = require("fs"), {Worker, isMainThread, parentPort} = require("worker_threads");
if (!isMainThread) { let s = 0; for (let i = 0; i < 1e6; i++) s += i; parentPort.postMessage(s); } else {
	const jobs = [];
	for (let i = 0; i < 4; i++) jobs.push(new Promise(r => new Worker(__filename).on("message", r)));
	for (let i = 0; i < 8; i++) jobs.push(new Promise(r => execFile("expr", [i, "+", "1"], (e, out) => r(out.trim()))));
	for (let i = 0; i < 4; i++) jobs.push(new Promise(r => spawn("sh", ["-c", `exit ${i}`]).on("exit", r)));
	for (let i = 0; i < 8; i++) jobs.push(fs.promises.writeFile("f" + i, "x".repeat(i * 1000)).then(() => fs.statSync("f" + i).size));
	jobs.push(new Promise(r => setTimeout(r, 20, "timer")));
	Promise.all(jobs).then(all => { console.log(JSON.stringify(all)); process.exit(5); });
}
JS
exec node t.js
