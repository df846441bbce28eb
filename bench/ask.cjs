// The least that a program has to do that asks the hub one thing: node ask.cjs STATE_FILE.
const fs = process.getBuiltinModule('node:fs');
const {socket} = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const connection = process.getBuiltinModule('node:net').connect({path: socket});
connection.on('data', answer => {
	fs.writeSync(1, answer);
	process.exit();
});
connection.write('GET /health HTTP/1.0\r\nhost: localhost\r\nconnection: close\r\n\r\n');
