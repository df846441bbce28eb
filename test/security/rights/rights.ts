import {randomUUID} from 'node:crypto';
import {Tally, type Attack} from '../attack.ts';
import type {Engine, Target} from '../target.ts';
import {readCatalogue} from './catalogue.ts';
import {roles, type Role} from './expected.ts';
import {checkNames} from './names.ts';
import {listenRealtime} from './realtime.ts';
import {askSql} from './sql.ts';
import {askRest, tagOf, type Tokens} from './rest.ts';

export const rights: Attack = {
	name: 'rights',
	what: 'every table, function and sequence of the catalogue, as every role',
	async run({targets, tally}) {
		for (const engine of ['PGlite', 'PostgreSQL'] as const satisfies readonly Engine[]) {
			await targets.alone(engine, async target => {
				const tokens = await prepare(target);
				const catalogue = await readCatalogue(target);
				checkNames(catalogue, tally);
				await askRest(target, {tally}, catalogue, tokens);
				await listenRealtime(target, {tally}, tokens);
				await askManagement(target, tally, tokens);
				await askSql(target, {tally}, catalogue, tokens.agent);
				if (engine === 'PGlite') await control(target, tally, tokens);
			});
		}
	},
};

/** One row at least in each table, and a token for each role. */
async function prepare(target: Target): Promise<Tokens> {
	const {hub} = target;
	const tokens: Record<Role, string> = {
		anon: hub.anonKey,
		stranger: hub.tokenFor('no tag'),
		agent: hub.tokenFor(tagOf('agent')),
		revoked: hub.tokenFor(tagOf('revoked')),
		human: hub.tokenFor(tagOf('human'), 'human'),
		service: hub.serviceRoleKey,
	};
	const call = (role: Role, name: string, body: object) =>
		target.ask(tokens[role], 'POST', `/rest/v1/rpc/${name}`, body);
	for (const role of ['agent', 'revoked', 'human'] as const) {
		await call(role, 'agent_touch', {p_presence: 'working', p_session: 's', p_role: 'in the matrix'});
	}
	await target.ask(tokens.agent, 'POST', '/rest/v1/messages', {
		content: `[${tagOf('agent')}] hello @${tagOf('human')}`,
	});
	await call('human', 'inbox_take', {});
	await call('human', 'receipt_deliver', {p_ids: [1]});
	await call('agent', 'task_add', {p_title: 'a task'});
	const request = {
		p_request: randomUUID(),
		p_session: 's',
		p_client: 'claude',
		p_tool: 'Bash',
		p_input: '{}',
		p_cwd: '/',
	};
	await call('agent', 'approval_ask', request);
	await call('agent', 'message_schedule', {
		p_content: `[${tagOf('agent')}] later`,
		p_due: new Date(Date.now() + 86_400_000).toISOString(),
	});
	await call('agent', 'sight_set', {p_sight: {tool: 'Bash'}});
	await call('agent', 'hook_take', {p_limit: 0, p_machine: 'm', p_edits: ['/edited']});
	await call('human', 'agent_stop', {p_tag: tagOf('agent')});
	await target.owner(
		`insert into cursors (reader, epoch, xid, id) select '${tagOf('human')}', epoch, '1', 1 from mux_meta on conflict do nothing`,
	);
	await target.owner(
		`insert into messages (content) values ('[${tagOf('human')}] to be redacted'); select redact_message(max(id)) from messages`,
	);
	await target.owner(`insert into mux_pause_all (paused_by) values ('${tagOf('human')}')`);
	await target.owner(`select agent_revoke('${tagOf('revoked')}')`);
	return tokens;
}

/** SQL by Supabase's management calls: the owner's key, and an agent's token for what that agent may do. */
async function askManagement(target: Target, tally: Tally, tokens: Tokens): Promise<void> {
	const calls = [
		['POST', 'query', {query: 'delete from receipts'}],
		['POST', 'query', {query: 'select 1', read_only: true}],
		['POST', 'migrations', {name: 'planted', query: 'create table planted_by_migration ()'}],
		['GET', 'migrations', undefined],
	] as const;
	for (const role of roles) {
		for (const [method, call, body] of calls) {
			if (role === 'service') continue;
			const {status, text} = await target.ask(tokens[role], method, `/v1/projects/local/database/${call}`, body);
			const what = `management, ${target.engine}: ${role} ${method} ${call}`;
			if (role === 'agent' && body?.['query'] === 'select 1') {
				if (status !== 201) tally.breach(`${what}: an agent may not read: ${text}`);
				continue;
			}
			tally.expectRefused(
				status === 401 || status === 403 || (status === 400 && text.includes('ERROR:  42501')),
				what,
				text,
			);
		}
	}
	const [left] = await target.owner<{n: number}>('select count(*)::int as n from receipts');
	tally.expectRefused(left !== undefined && left.n > 0, `management, ${target.engine}: the receipts are gone`);
}

/** What was planted must be found by name; without this a matrix that looks at nothing would be green. */
async function control(target: Target, tally: Tally, tokens: Tokens): Promise<void> {
	await target.owner(`
		create table planted (secret text); grant select on planted to anon; insert into planted values ('seen');
		create function planted_function() returns int language sql security definer as 'select 1'`);
	// The hub's REST looks at the catalogue again when it is told of a change.
	await target.owner(`notify pgrst, 'reload schema'`);
	const found = new Tally();
	const catalogue = await readCatalogue(target);
	checkNames(catalogue, found);
	const planted = catalogue.relations.filter(({name}) => name === 'planted');
	await askRest(target, {tally: found}, {...catalogue, relations: planted, routines: []}, tokens);
	for (const what of [
		'public.planted: nobody has decided',
		'public.planted has no row level security',
		'planted_function(): nobody has decided',
		'planted_function() runs as its owner with the search path',
		'anon select planted: may, and should not',
	]) {
		const isFound = found.breaches.some(each => each.includes(what));
		if (!isFound) tally.breach(`the control is not found: ${what}`);
	}
}
