import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {describe} from 'vitest';
import {connectMailbox} from '../../source/gateway/connect.ts';
import {runSql} from '../../source/gateway/management.ts';
import {startTestHub, type TestHub} from '../helpers/hub.ts';
import {exerciseMailbox} from './mailbox-contract.ts';

describe('the mailbox on the hub', () => {
	exerciseMailbox(async () => {
		let hub = await startTestHub();
		return {
			async open({tag, kind}) {
				const resolve = async () => ({
					url: hub.url,
					key: hub.anonKey,
					token: kind === 'human' ? hub.tokenFor(tag, 'human') : await issued(hub, tag),
				});
				return connectMailbox({...(await resolve()), resolve, timing: {delayAfter: () => 100}});
			},
			async insert(content) {
				const management = {url: hub.url, project_ref: 'local', token: hub.serviceRoleKey};
				const dollars = '$'.concat('content', '$');
				await runSql(management, `insert into messages (content) values (${dollars}${content}${dollars})`);
			},
			async table(name, titles, mayRead) {
				const management = {url: hub.url, project_ref: 'local', token: hub.serviceRoleKey};
				const values = titles.map((title, number) => `(${number}, '${title}')`).join();
				await runSql(management, `create table ${name} (number int, title text)`);
				await runSql(management, `insert into ${name} values ${values}`);
				if (mayRead) await runSql(management, `grant select on ${name} to authenticated`);
			},
			async lapse() {
				const management = {url: hub.url, project_ref: 'local', token: hub.serviceRoleKey};
				await runSql(management, 'update receipts set lease_until = now() where lease_until is not null');
			},
			async interrupt(meanwhile) {
				await hub.kill();
				await meanwhile();
				// Without the port that it remembers, it comes back under another.
				rmSync(join(hub.paths.data, 'port'));
				hub = await startTestHub({home: hub.home});
			},
			close: () => hub.stop(),
		};
	});
});

/** The token of an agent that has just joined. */
async function issued(hub: TestHub, tag: string): Promise<string> {
	const response = await fetch(`${hub.url}/agentmux/v1/tokens`, {
		method: 'POST',
		headers: {authorization: `Bearer ${hub.serviceRoleKey}`, 'content-type': 'application/json'},
		body: JSON.stringify({tag}),
	});
	return ((await response.json()) as {token: string}).token;
}
