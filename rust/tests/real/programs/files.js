// Files read and written in the ways that Node has: calls, promises, streams, workers, children.
const fs = require('fs');
const child = require('child_process');
const { Worker, isMainThread } = require('worker_threads');

async function main() {
  fs.writeFileSync('out/call', fs.readFileSync('in/0'));
  await fs.promises.writeFile('out/promise', await fs.promises.readFile('in/1'));
  const stream = fs.createReadStream('in/2').pipe(fs.createWriteStream('out/stream'));
  await new Promise((done) => stream.on('close', done));
  fs.copyFileSync('in/3', 'out/copy');
  await new Promise((done) => new Worker(__filename).on('exit', done));
  console.log(child.execFileSync('tr', ['a-z', 'A-Z'], { input: fs.readFileSync('in/5') }).toString());
  child.spawnSync('sh', ['-c', 'cat in/6 > out/child']);
  const handle = await fs.promises.open('out/handle', 'w+');
  await handle.write('x');
  await handle.truncate(0);
  await handle.write('y');
  await handle.close();
  fs.renameSync('out/handle', 'out/renamed');
  await new Promise((done) => child.fork(__filename, ['forked']).on('exit', done));
}

if (!isMainThread) {
  fs.writeFileSync('out/worker', fs.readFileSync('in/4'));
} else if (process.argv[2] === 'forked') {
  fs.writeFileSync('out/forked', fs.readFileSync('in/7'));
} else {
  main();
}
