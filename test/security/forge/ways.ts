import type {PlayedAgent} from '../../helpers/agent.ts';
import type {Target} from '../target.ts';

/** A way in which an agent runs SQL. Resolves with the refusal, or null when there was none. */
export interface Way {
	readonly what: string;
	/** How long one statement takes, roughly, in milliseconds: the slow ways take a part of the statements. */
	readonly slow: boolean;
	run(sql: string): Promise<string | null>;
}

export async function waysOf(target: Target, tag: string, folder: string, agent: PlayedAgent): Promise<Way[]> {
	const token = await tokenOf(target, tag);
	const post = async (path: string, body: object): Promise<string | null> => {
		const {status, text} = await target.ask(token, 'POST', path, body);
		return status < 300 ? null : `${status} ${text}`;
	};
	const caught = (error: unknown): string => (error instanceof Error ? error.message : String(error));
	const cli = (env: NodeJS.ProcessEnv) => async (sql: string) => {
		const {code, stderr} = await target.home.run(['sql', sql], {cwd: folder, env});
		return code === 0 ? null : stderr;
	};
	return [
		{what: 'the RPC', slow: false, run: sql => post('/rest/v1/rpc/agent_sql', {p_query: sql})},
		{what: 'the management call', slow: false, run: sql => post('/v1/projects/local/database/query', {query: sql})},
		{
			what: 'execute_sql of the entry that join writes',
			slow: false,
			run: sql => agent.sql(sql).then(() => null, caught),
		},
		{what: 'agentmux sql in the joined folder', slow: true, run: cli({})},
		{what: 'agentmux sql inside a client', slow: true, run: cli({CLAUDECODE: '1'})},
		{what: 'agentmux sql with AGENTMUX_TAG', slow: true, run: cli({AGENTMUX_TAG: tag})},
	];
}

/** The token that `join` left for the agent: whatever it could do with it by hand. */
async function tokenOf(target: Target, tag: string): Promise<string> {
	const {readFile} = await import('node:fs/promises');
	const place = JSON.parse(await readFile(`${target.home.path}/data/agents/${tag}.json`, 'utf8')) as {token: string};
	return place.token;
}
