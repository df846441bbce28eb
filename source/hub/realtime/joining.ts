import {bindingId} from './binding.ts';
import {Channel, storedBroadcast, unauthorized, type Joined, type Peer} from './channel.ts';
import type {Push} from './frame.ts';
import {parseJoin} from './join.ts';
import {allRights, privateRights, storedMessages} from './rights.ts';
import type {RealtimeContext} from './context.ts';
import {readToken} from './token.ts';

/** The new channel, or the reason why the join was refused. */
type JoinResult = {readonly channel: Channel; readonly open: (after: () => void) => void} | {readonly reason: string};

/**
 * Handles a `phx_join`. All queries run before the channel opens; opening it is synchronous, so nothing that is committed after the
 * reply is missed.
 */
export async function joinChannel(
	context: RealtimeContext,
	peer: Peer,
	/** The connection's token, for a join without one. */
	token: string,
	push: Push,
): Promise<JoinResult> {
	const name = push.topic.slice('realtime:'.length);
	if (name === '') return {reason: 'TopicNameRequired: You must provide a topic name'};
	if (Buffer.byteLength(name) > context.limits.topic) return {reason: 'TopicNameTooLong: Choose a shorter topic name'};
	const join = parseJoin(name, push.payload);
	if (join === null) return {reason: 'join crashed'};
	const holder = readToken(context.verify, join.token ?? token);
	if ('join' in holder) return {reason: holder.join};
	if (join.replay !== null && !join.private) {
		return {reason: 'UnableToReplayMessages: Replay is not allowed for public channels'};
	}
	const reservation = context.shares.take(holder.name, peer, join.bindings.length);
	if (reservation === null) return {reason: 'ChannelRateLimitReached: Too many channels'};
	try {
		const joined = await prepare(context, peer, push, {join, holder, reservation});
		if ('reason' in joined) reservation.release();
		return joined;
	} catch (error) {
		reservation.release();
		throw error;
	}
}

/** Runs the queries of a join that fits into the holder's share. */
async function prepare(
	context: RealtimeContext,
	peer: Peer,
	push: Push,
	{join, holder, reservation}: Pick<Joined, 'join' | 'holder' | 'reservation'>,
): Promise<JoinResult> {
	const name = push.topic.slice('realtime:'.length);
	const rights = join.private ? await privateRights(context, name, holder.subscriber) : allRights;
	if (!rights.read.broadcast) return {reason: `Unauthorized: ${unauthorized(name)}`};
	const stored = join.replay === null ? [] : await storedMessages(context.database, name, join.replay);
	const found = join.bindings.length === 0 ? [] : await context.readBindings(holder.subscriber.role, join.bindings);
	// The token may have become invalid during the queries.
	const current = readToken(context.verify, holder.token);
	if ('join' in current) return {reason: current.join};
	const refused = typeof found === 'string' ? found : null;
	const bindings = typeof found === 'string' ? [] : found;
	const channel = new Channel(context, peer, push, {join, holder, rights, bindings, reservation});
	return {
		channel,
		open(after) {
			const bindings = join.bindings.map(parameters => ({...parameters, id: bindingId(parameters)}));
			channel.reply(push.ref, 'ok', JSON.stringify({postgres_changes: bindings}));
			after();
			channel.open(refused);
			reservation.end = () => channel.lost();
			peer.countAs(holder.name);
			for (const {id, event, payload} of stored) channel.send('broadcast', storedBroadcast(id, event, payload, true));
		},
	};
}
