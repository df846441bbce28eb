import {createServer, type Socket} from 'node:net';
import {once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {cli} from '../helpers/program.ts';
import {spawn} from '../helpers/terminal.ts';
import type {Attack} from './attack.ts';

/** What every program of ours does while something else holds the hub's port. */
const commands: readonly (readonly string[])[] = [
	['send', 'to whom?'],
	['tail'],
	['inbox'],
	['agents'],
	['sql', 'select 1'],
	['tasks', 'add', 'x'],
	['config'],
	['hub', 'status'],
	['hub', 'status', '-o', 'env'],
	['hub', 'stop'],
];

export const squat: Attack = {
	name: 'squat',
	what: "another program on the hub's port while the hub is down: what it is sent",
	async run({targets, tally, long}) {
		await targets.alone('PGlite', async target => {
			const {home, hub} = target;
			const {agent} = await target.join('CLAUDE_1');
			await home.output(['send', '--to', 'CLAUDE_1', 'before']);
			// They hold the hub's address and a token, and look for it again as soon as it is gone.
			await agent.call('check_messages');
			await agent.sql('select 1');
			const open = spawn([process.execPath, cli], {env: {AGENTMUX_HOME: home.path}});
			await open.waitFor('● live', 60_000);
			const following = home.start(['tail', '--follow']);
			await once(following.stdout, 'data');
			// It was killed: its state file still has its address.
			await hub.kill();
			const squatter = new Squatter();
			await squatter.listen(Number(new URL(hub.url).port));
			try {
				await sleep(4000);
				const check = (what: string): void => {
					const told = squatter.taken();
					tally.expectRefused(!/eyJ|authorization|apikey|token/i.test(told), `${what} sends a key`, told);
				};
				check('what was open when the hub went');
				open.kill('SIGKILL');
				following.kill('SIGKILL');
				await hubDown(home);
				for (const words of long ? commands : commands.filter((_, index) => index % 3 === 0)) {
					await home.run(words);
					check(`agentmux ${words.join(' ')}`);
					await hubDown(home);
				}
				for (const event of ['SessionStart', 'PostToolBatch', 'Stop']) {
					await agent.hook(event).catch(() => '');
					check(`the hook of ${event}`);
				}
				await hubDown(home);
				await agent.call('send_message', {text: 'from a tool'}).catch(() => null);
				check("an agent's server");
				await agent.sql('select 1').catch(() => null);
				check("an agent's SQL");
				await hubDown(home);
				const screen = spawn([process.execPath, cli], {env: {AGENTMUX_HOME: home.path}});
				await screen.waitFor('● live', 60_000).catch(() => null);
				screen.kill('SIGKILL');
				await screen.exited;
				check('the screen');
			} finally {
				await squatter.close();
			}
			const found = await home.output(['search', 'before']);
			tally.expectHarmless(found.includes('before'), 'what was said before is lost', found);
			const sent = await home.output(['search', '"to whom"']);
			tally.expectHarmless(sent.includes('to whom?'), 'what was sent meanwhile is lost', sent);
		});
	},
};

/** Ends whatever hub a command has started elsewhere, so that the next one is tempted again. */
async function hubDown(home: {run(words: readonly string[]): Promise<unknown>}): Promise<void> {
	await home.run(['hub', 'stop']);
}

/** Answers as a hub would, to everyone, and writes down all that it is sent. */
class Squatter {
	#told = '';
	readonly #sockets = new Set<Socket>();
	readonly #server = createServer(socket => {
		this.#sockets.add(socket);
		socket.on('error', () => undefined);
		socket.on('close', () => this.#sockets.delete(socket));
		socket.on('data', chunk => {
			this.#told += chunk.toString('latin1');
			const body = JSON.stringify({status: 'ok', pid: process.pid, version: '0.1.0', proof: 'f'.repeat(64)});
			socket.write(
				`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
			);
		});
	});

	async listen(port: number): Promise<void> {
		for (let attempt = 0; attempt < 50; attempt += 1) {
			this.#server.listen(port, '127.0.0.1');
			const [outcome] = (await Promise.race([
				once(this.#server, 'listening').then(() => [null]),
				once(this.#server, 'error'),
			])) as [Error | null];
			if (outcome === null) return;
			await sleep(100);
		}
		throw new Error(`port ${port} stays taken`);
	}

	/** What it received since the last call. */
	taken(): string {
		const told = this.#told;
		this.#told = '';
		return told;
	}

	async close(): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		await new Promise(resolve => {
			this.#server.close(resolve);
		});
	}
}
