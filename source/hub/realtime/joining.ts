import {bindingId} from './binding.ts';
import {Channel, storedBroadcast, unauthorized, type Joined, type Peer} from './channel.ts';
import type {Push} from './frame.ts';
import {parseJoin} from './join.ts';
import {allRights, privateRights, storedMessages} from './rights.ts';
import type {Server} from './server.ts';
import {readToken} from './token.ts';

/** The new channel, or the reason of the refusal. */
type Answer = {readonly channel: Channel; readonly open: (after: () => void) => void} | {readonly reason: string};

/**
 * Answers a `phx_join`: asks the database what is allowed, and only then opens the channel, at once, so that nothing
 * that is committed after the reply is missed. The new channel, or the reason of the refusal.
 */
export async function joinChannel(
	server: Server,
	peer: Peer,
	/** The connection's own, for a join without one. */
	token: string,
	push: Push,
): Promise<Answer> {
	const name = push.topic.slice('realtime:'.length);
	if (name === '') return {reason: 'TopicNameRequired: You must provide a topic name'};
	if (Buffer.byteLength(name) > server.limits.topic) return {reason: 'TopicNameTooLong: Choose a shorter topic name'};
	const join = parseJoin(name, push.payload);
	if (join === null) return {reason: 'join crashed'};
	const holder = readToken(server.verify, join.token ?? token);
	if ('join' in holder) return {reason: holder.join};
	if (join.replay !== null && !join.private) {
		return {reason: 'UnableToReplayMessages: Replay is not allowed for public channels'};
	}
	const lease = server.shares.take(holder.name, peer, join.bindings.length);
	if (lease === null) return {reason: 'ChannelRateLimitReached: Too many channels'};
	try {
		const joined = await prepare(server, peer, push, {join, holder, lease});
		if ('reason' in joined) lease.release();
		return joined;
	} catch (error) {
		lease.release();
		throw error;
	}
}

/** What the database says to a join that there is room for. */
async function prepare(
	server: Server,
	peer: Peer,
	push: Push,
	{join, holder, lease}: Pick<Joined, 'join' | 'holder' | 'lease'>,
): Promise<Answer> {
	const name = push.topic.slice('realtime:'.length);
	const rights = join.private ? await privateRights(server, name, holder.subscriber) : allRights;
	if (!rights.read.broadcast) return {reason: `Unauthorized: ${unauthorized(name)}`};
	const stored = join.replay === null ? [] : await storedMessages(server.database, name, join.replay);
	const found = join.bindings.length === 0 ? [] : await server.readBindings(holder.subscriber.role, join.bindings);
	// It may have ended while the database was asked.
	const held = readToken(server.verify, holder.token);
	if ('join' in held) return {reason: held.join};
	const refused = typeof found === 'string' ? found : null;
	const bindings = typeof found === 'string' ? [] : found;
	const channel = new Channel(server, peer, push, {join, holder, rights, bindings, lease});
	return {
		channel,
		open(after) {
			const bindings = join.bindings.map(parameters => ({...parameters, id: bindingId(parameters)}));
			channel.reply(push.ref, 'ok', JSON.stringify({postgres_changes: bindings}));
			after();
			channel.open(refused);
			lease.end = () => channel.lost();
			peer.held(holder.name);
			for (const {id, event, payload} of stored) channel.send('broadcast', storedBroadcast(id, event, payload, true));
		},
	};
}
