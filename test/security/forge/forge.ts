import {existsSync} from 'node:fs';
import type {PlayedAgent} from '../../helpers/agent.ts';
import type {Attack, Attempt} from '../attack.ts';
import {attempts} from '../sql/attempts.ts';
import type {Engine, Target} from '../target.ts';
import {difference, stateOf} from './state.ts';
import {statements} from './statements.ts';
import {waysOf, type Way} from './ways.ts';

const me = 'FORGER';
const all = Object.entries(statements).flatMap(([aim, list]) =>
	list.map(sql => ({aim, sql: sql.replaceAll("'ME'", `'${me}'`)})),
);
/** Those that the test of the schema goes through one by one; here by a way that an agent has. */
const more = attempts
	.filter(([, answer]) => answer !== '54000')
	.map(([sql]) => ({aim: 'anything', sql: sql.replaceAll('CLAUDE_1', me).replaceAll('CLAUDE_2', 'OTHER')}));

export const forge: Attack = {
	name: 'forge',
	what: "an agent's SQL, by every way: be a human, change history, act for others, get out",
	async run({targets, tally, long}) {
		for (const engine of ['PGlite', 'PostgreSQL'] as const satisfies readonly Engine[]) {
			await targets.alone(engine, async target => {
				const {agent, folder} = await target.join(me);
				const {agent: other} = await target.join('OTHER');
				await target.join('GONE');
				await target.home.output(['send', '--to', 'OTHER', 'hello, from a human']);
				await target.home.output(['tasks', 'add', 'a task of the human']);
				await target.home.output(['agents', 'revoke', 'GONE']);
				for (const way of await waysOf(target, me, folder, agent)) {
					if (!long && way.slow && engine === 'PostgreSQL') continue;
					// One in twenty of them, others by each way: the gate is the same behind all.
					const part = long || !way.slow ? all : all.filter((_, index) => index % 20 === way.what.length % 20);
					const rest = long || way.what === 'the RPC' ? more : [];
					await runAll({target, tally, way, part: [...part, ...rest]});
				}
				await migrate({target, tally}, agent);
				const escaped = existsSync('/tmp/agentmux-planted');
				tally.expectRefused(!escaped, `${engine}: it wrote /tmp/agentmux-planted`);
				await stillWorks({target, tally}, other, agent);
			});
		}
	},
};

interface Given {
	readonly target: Target;
	readonly tally: Attempt['tally'];
}

async function runAll({target, tally, way, part}: Given & {way: Way; part: typeof all}): Promise<void> {
	// What the way itself needs, roles and functions of the agent's, is made at its first use.
	const first = await way.run(`insert into messages (content) values ('[${me}] by ${way.what}')`);
	if (first !== null) tally.breach(`${target.engine}, ${way.what}: the control failed: ${first.slice(0, 300)}`);
	const [{last} = {last: 0}] = await target.owner<{last: number}>('select max(id)::int as last from messages');
	const [mine] = await target.owner<{author_tag: string; verified: boolean}>(
		`select author_tag, verified from messages where id = ${last}`,
	);
	const isMine = mine?.author_tag === me && mine.verified;
	tally.expectHarmless(isMine, `${target.engine}, ${way.what}: its own message is not its own`, mine);
	let before = await stateOf(target, me, last);
	// What was refused is looked at with those that were refused after it.
	let refused: string[] = [];
	const look = async (what: string): Promise<boolean> => {
		const after = await stateOf(target, me, last);
		const changed = difference(before, after);
		before = after;
		refused = [];
		if (changed.length > 0) tally.breach(`${what}: changed ${changed.join(', ')}`);
		return changed.length === 0;
	};
	for (const {aim, sql} of part) {
		const what = `${target.engine}, ${way.what}: ${aim}: ${sql}`;
		if ((await way.run(sql)) === null) {
			if (await look(`${what} (or one of ${refused.join('; ')})`)) tally.neutralise();
		} else {
			refused.push(sql);
			tally.refuse();
		}
	}
	await look(`${target.engine}, ${way.what}: one of ${refused.join('; ')}`);
}

/** Migrations are the owner's: an agent's are refused unless it was joined with --owner-sql. */
async function migrate({target, tally}: Given, agent: PlayedAgent): Promise<void> {
	const refused = await agent.migrate('planted', 'create table planted_by_migration ()').then(
		() => null,
		(error: unknown) => String(error),
	);
	const [{n} = {n: 0}] = await target.owner<{n: number}>(
		"select count(*)::int as n from pg_class where relname = 'planted_by_migration'",
	);
	tally.expectRefused(refused !== null && n === 0, `${target.engine}: apply_migration`, refused);
}

/** After all that the others go on, and so does the agent itself. */
async function stillWorks({target, tally}: Given, other: PlayedAgent, agent: PlayedAgent): Promise<void> {
	const checked = await other.call('check_messages');
	tally.expectHarmless(
		checked.text.includes('hello, from a human'),
		`${target.engine}: OTHER was not handed its mail`,
		checked.text,
	);
	await agent.call('send_message', {text: 'still here', to: ['OTHER']});
	const said = await target.home.run(['send', '--to', 'OTHER', 'still here, too']);
	tally.expectHarmless(said.code === 0, `${target.engine}: the human cannot write`, said.stderr);
	await agent.sql('create table of_my_own as select 1 as n');
	const rows = await other.sql('select n from of_my_own');
	tally.expectHarmless(rows.includes('"n'), `${target.engine}: a result table is not read by others`, rows);
}
