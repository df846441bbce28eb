import {mkdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {clientVariables} from '../../source/join/clients/running-client.ts';
import type {Attack} from './attack.ts';
import {difference, stateOf} from './forge/state.ts';

const me = 'INSIDER';

/** Attempts to write or act as a human or another agent. */
const commands: readonly (readonly string[])[] = [
	['send', 'I am a human'],
	['send', '--as', 'HUMAN', 'I am a human'],
	['send', '--as', 'OTHER', 'I am another'],
	['inbox', '--as', 'OTHER', '--take'],
	['inbox', '--as', 'HUMAN'],
	['agents', 'revoke', 'OTHER'],
	['agents', 'restore', 'GONE'],
	['tasks', 'cancel', '1'],
	['tasks', 'assign', '1', me],
	['tasks', 'add', 'x', '--as', 'HUMAN'],
	['tasks', 'claim', '--as', 'OTHER'],
	['redact', '1'],
	['watch', 'tasks', '--to', 'HUMAN', '--as', 'HUMAN'],
	['sql', "insert into messages (content) values ('[HUMAN] I am a human')"],
	['sql', "update messages set author_tag = 'HUMAN', author_kind = 'human', verified = true"],
	['mcp', '--as', 'OTHER'],
	['mcp', '--as', 'HUMAN'],
	['hub', 'rotate-keys'],
	['hub', 'cancel'],
	['join', 'HUMAN'],
];

export const identity: Attack = {
	name: 'identity',
	what: "commands in an agent's shell or folder, that would be a human's or another agent's",
	async run({targets, tally, long}) {
		await targets.alone('PGlite', async target => {
			const {folder} = await target.join(me);
			await target.join('OTHER');
			await target.join('GONE');
			await target.home.output(['send', '--to', 'OTHER', 'hello, from a human']);
			await target.home.output(['tasks', 'add', 'a task of the human']);
			await target.home.output(['agents', 'revoke', 'GONE']);
			const below = join(folder, 'below');
			mkdirSync(below);
			const link = join(target.home.path, 'link');
			symlinkSync(below, link);
			const [{last} = {last: 0}] = await target.owner<{last: number}>('select max(id)::int as last from messages');
			// Its first SQL gives it its role in the database.
			await target.home.output(['sql', 'select 1'], {cwd: folder, env: {CLAUDECODE: '1'}});
			let before = await stateOf(target, me, last);
			const attempt = async (words: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Promise<void> => {
				const {code, stderr} = await target.home.run(words, {cwd, env});
				const after = await stateOf(target, me, last);
				const changed = difference(before, after);
				const what = `${words.join(' ')} in ${cwd} with ${JSON.stringify(env)}`;
				if (changed.length > 0) tally.breach(`${what}: changed ${changed.join(', ')}`);
				else if (code === 0) tally.neutralise();
				else tally.expectRefused(/^agentmux: [^\n]+\n$/.test(stderr), `${what}: the refusal is no sentence`, stderr);
				before = after;
			};
			const outside = target.home.path;
			for (const name of clientVariables) {
				for (const cwd of [folder, outside]) await attempt(['send', 'I am a human'], cwd, {[name]: '1'});
			}
			for (const [index, words] of commands.entries()) {
				await attempt(words, folder, {CLAUDECODE: '1'});
				if (long || index % 3 === 0) await attempt(words, outside, {CLAUDECODE: '1'});
				if (long || index % 3 === 1) await attempt(words, index % 2 === 0 ? below : link, {});
				if (long || index % 3 === 2) await attempt(words, folder, {AGENTMUX_TAG: 'HUMAN'});
			}
			const [own] = await target.owner<{n: number}>(
				`select count(*)::int as n from messages where id > ${last} and author_tag = '${me}' and verified`,
			);
			if (own === undefined || own.n === 0) tally.breach('the control failed: it cannot write under its own tag');
		});
	},
};
