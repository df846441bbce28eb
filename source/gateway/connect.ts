import type {Mailbox} from '../mailbox/mailbox.ts';
import type {Signatures} from '../mailbox/signatures.ts';
import {runAgentSql} from './rest/agent-sql.ts';
import {identityOf} from './identity.ts';
import {Link, type LinkOptions, type Target} from './link/link.ts';
import {createAgents} from './rest/agents.ts';
import {createHistory} from './rest/history.ts';
import {MessageRows} from './rest/message-rows.ts';
import {createNewest} from './rest/newest.ts';
import {createPages} from './rest/pages.ts';
import {createApprovals} from './rest/approvals.ts';
import {createPosts} from './rest/posts.ts';
import {createReceipts} from './rest/receipts.ts';
import {Requests} from './rest/requests.ts';
import {createSight} from './rest/sight.ts';
import {createScheduled} from './rest/scheduled.ts';
import {createSearch} from './rest/search.ts';
import {Subscription, type Timing} from './live/subscription.ts';
import {readTable} from './rest/table.ts';
import {createTasks} from './rest/tasks.ts';

export interface ConnectOptions extends Target {
	/** The tag that a service key acts as. It is unverified. */
	readonly actingTag?: string;
	/** Finds the target before each attempt to reconnect: a restarted hub has another port. */
	readonly resolve?: () => Promise<Target>;
	/** Returns the bearer token for each request, where tokens expire. */
	readonly renew?: () => Promise<string>;
	/** Milliseconds that one request may take; 15,000 by default. */
	readonly timeout?: number;
	/** Receives a line about each request and each change of the connection. */
	readonly trace?: LinkOptions['trace'];
	/** Whether it is opened for a few requests, which then start sooner. */
	readonly isBrief?: boolean;
	readonly timing?: Partial<Timing>;
	/** Signs what is posted, and verifies what others signed; without it, nothing counts as signed. */
	readonly signatures?: Signatures | undefined;
}

/** The Mailbox on a Supabase: a hosted project, `supabase start`, or the hub. Nothing is sent before the first call. */
export function connectMailbox(options: ConnectOptions): Mailbox {
	const {url, key, token, transport, actingTag, resolve, renew, timeout = 15_000} = options;
	const {isBrief = false, timing, signatures, trace} = options;
	const target: Target = {
		url,
		key,
		...(token === undefined ? {} : {token}),
		...(transport === undefined ? {} : {transport}),
	};
	const link = new Link(target, {
		timeout,
		trace,
		isBrief,
		...(actingTag === undefined ? {} : {actingTag}),
		...(resolve === undefined ? {} : {resolve}),
		...(renew === undefined ? {} : {renew}),
	});
	const requests = new Requests(link);
	const messages = new MessageRows(requests, () => identityOf(link.target, actingTag).tag, signatures);
	const pages = createPages(requests, messages);
	const agents = createAgents(requests);
	const tasks = createTasks(requests);
	const followed = {link, pages, messages, newest: createNewest(requests, messages), tasks, agents};
	const subscriptions = new Set<Subscription>();

	return {
		identity: async () => identityOf(link.target, actingTag),
		cursor: () => pages.cursor(),
		...createHistory(requests, messages),
		...createPosts(requests, messages),
		...createReceipts(requests, messages, () => identityOf(link.target, actingTag).tag),
		...agents,
		tasks,
		approvals: createApprovals(requests, messages),
		scheduled: createScheduled(requests, messages),
		...createSearch(requests, messages),
		sight: createSight(requests),
		table: name => readTable(requests, name),
		sql: (statements, options) => runAgentSql(requests, statements, options),
		subscribe(listener, from = null, about = 'everything') {
			const subscription = new Subscription(followed, about, listener, from, {idle: 5000, ...timing});
			subscriptions.add(subscription);
			return () => {
				subscription.close();
				subscriptions.delete(subscription);
			};
		},
		watchBusy: listener => link.busy.listen(listener),
		async close() {
			for (const subscription of subscriptions) subscription.close();
			subscriptions.clear();
			link.close();
		},
	};
}
