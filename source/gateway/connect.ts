import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Signatures} from '../mailbox/signatures.ts';
import {runAgentSql} from './agent-sql.ts';
import {identityOf} from './identity.ts';
import {Link, type LinkOptions, type Target} from './link.ts';
import {Rest} from './rest.ts';
import {Subscription, type Timing} from './subscription.ts';
import {readTable} from './table.ts';
import {createTasks} from './tasks.ts';

export interface ConnectOptions extends Target {
	/** Whom a service key acts as; without a token, nobody vouches for it. */
	readonly actingTag?: string;
	/** Asked where the other end is before each attempt to connect again: a hub comes back under another port. */
	readonly resolve?: () => Promise<Target>;
	/** Asked for the bearer before each request, where tokens run out. */
	readonly renew?: () => Promise<string>;
	/** Milliseconds that one request may take; 15,000 when absent. */
	readonly timeout?: number;
	/** Is given a line about each request and each change of the connection. */
	readonly trace?: LinkOptions['trace'];
	readonly timing?: Partial<Timing>;
	/** Signs what is posted, and looks at what others signed; absent: nothing counts as signed. */
	readonly signatures?: Signatures | undefined;
}

/** The Mailbox on a Supabase: a hosted project, `supabase start`, or the hub. Nothing is sent before the first call. */
export function connectMailbox(options: ConnectOptions): Mailbox {
	const {url, key, token, way, actingTag, resolve, renew, timeout = 15_000, timing, signatures, trace} = options;
	const target: Target = {url, key, ...(token === undefined ? {} : {token}), ...(way === undefined ? {} : {way})};
	const link = new Link(target, {
		timeout,
		trace,
		...(actingTag === undefined ? {} : {actingTag}),
		...(resolve === undefined ? {} : {resolve}),
		...(renew === undefined ? {} : {renew}),
	});
	const rest = new Rest(link, () => identityOf(link.target, actingTag).tag, signatures);
	const tasks = createTasks(rest);
	const subscriptions = new Set<Subscription>();

	return {
		identity: async () => identityOf(link.target, actingTag),
		history: query => rest.history(query),
		channels: () => rest.channels(),
		cursor: () => rest.cursor(),
		subscribe(listener, from = null) {
			const subscription = new Subscription({link, rest, tasks}, listener, from, {idle: 5000, ...timing});
			subscriptions.add(subscription);
			return () => {
				subscription.close();
				subscriptions.delete(subscription);
			};
		},
		watchBusy: listener => link.busy.listen(listener),
		post: draft => rest.post(draft),
		redact: (id, reason) => rest.redact(id, reason),
		seal: () => rest.seal(),
		checkSeals: after => rest.checkSeals(after),
		search: (filter, page) => rest.search(filter, page),
		inbox: (reader, query) => rest.inbox(reader, query),
		take: options => rest.take(options),
		release: takeId => rest.release(takeId),
		deliver: (ids, route, session) => rest.deliver(ids, route, session),
		giveBack: session => rest.giveBack(session),
		endTurn: session => rest.endTurn(session),
		endSessions: sessions => rest.endSessions(sessions),
		wake: session => rest.wake(session),
		ack: (ids, route) => rest.ack(ids, route),
		receipts: ids => rest.receipts(ids),
		tasks,
		table: name => readTable(rest, name),
		sql: (statements, options) => runAgentSql(rest, statements, options),
		changes: query => rest.changes(query),
		agents: () => rest.agents(),
		touch: state => rest.touch(state),
		revoke: tag => rest.agent('agent_revoke', {p_tag: tag}),
		undamp: tag => rest.agent('agent_undamp', {p_tag: tag}),
		restore: tag => rest.agent('agent_restore', {p_tag: tag}),
		async close() {
			for (const subscription of subscriptions) subscription.close();
			subscriptions.clear();
			link.close();
		},
	};
}
