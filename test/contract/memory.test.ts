import {describe} from 'vitest';
import {memoryMailbox} from '../helpers/memory-mailbox.ts';
import {MemoryServer} from '../helpers/memory-server.ts';
import {exerciseMailbox} from './mailbox-contract.ts';

describe('the mailbox in memory', () => {
	exerciseMailbox(async () => {
		const server = new MemoryServer();
		return {
			open: async identity => memoryMailbox(server, identity),
			insert: async content => {
				server.insert(content);
			},
			table: async (name, titles, mayRead) => {
				server.tables.set(name, mayRead ? titles.map((title, number) => ({number, title})) : null);
			},
			lapse: async () => server.lapse(),
			async interrupt(meanwhile) {
				server.outage();
				await meanwhile();
				server.recover();
			},
			close: async () => undefined,
		};
	});
});
