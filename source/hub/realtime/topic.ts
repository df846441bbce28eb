import {Fanout, type BinaryPayload, type Wire, type Version} from './frame.ts';
import type {JsonText} from './json-text.ts';
import {Presence} from './presence.ts';

/** A channel as its topic sees it. */
export interface Member {
	readonly version: Version;
	/** Whether it may receive presence. */
	readonly seesPresence: boolean;
	write(wire: Wire): void;
}

/** The members of one topic. A public and a private topic with the same name are different topics. */
class Topic {
	readonly members = new Set<Member>();
	readonly presence = new Presence<Member>();
}

export class Topics {
	readonly #topics = new Map<string, Topic>();

	/** `name`: without `realtime:`. */
	join(name: string, isPrivate: boolean, member: Member): void {
		const id = identify(name, isPrivate);
		let topic = this.#topics.get(id);
		if (topic === undefined) this.#topics.set(id, (topic = new Topic()));
		topic.members.add(member);
	}

	leave(name: string, isPrivate: boolean, member: Member): void {
		const id = identify(name, isPrivate);
		const topic = this.#topics.get(id);
		if (topic?.members.delete(member) !== true) return;
		this.#sendPresence(name, topic, topic.presence.untrack(member));
		if (topic.members.size === 0) this.#topics.delete(id);
	}

	/** `payload`: a JSON object, sent unchanged to all members but `except`. */
	broadcast(name: string, isPrivate: boolean, payload: JsonText, except: Member | null = null): void {
		this.#send(name, isPrivate, () => Fanout.text(`realtime:${name}`, 'broadcast', payload), except);
	}

	broadcastBinary(name: string, isPrivate: boolean, payload: BinaryPayload, except: Member | null = null): void {
		this.#send(name, isPrivate, () => Fanout.binary(`realtime:${name}`, payload), except);
	}

	track(name: string, isPrivate: boolean, member: Member, key: string, payload: JsonText): void {
		const topic = this.#topics.get(identify(name, isPrivate));
		if (topic?.members.has(member) === true)
			this.#sendPresence(name, topic, topic.presence.track(member, key, payload));
	}

	untrack(name: string, isPrivate: boolean, member: Member): void {
		const topic = this.#topics.get(identify(name, isPrivate));
		if (topic !== undefined) this.#sendPresence(name, topic, topic.presence.untrack(member));
	}

	presenceState(name: string, isPrivate: boolean): JsonText {
		return this.#topics.get(identify(name, isPrivate))?.presence.state() ?? '{}';
	}

	#send(name: string, isPrivate: boolean, make: () => Fanout, except: Member | null): void {
		const topic = this.#topics.get(identify(name, isPrivate));
		if (topic === undefined) return;
		const fanout = make();
		for (const member of topic.members) if (member !== except) deliver(fanout, member);
	}

	#sendPresence(name: string, topic: Topic, diff: JsonText | null): void {
		if (diff === null) return;
		const fanout = Fanout.text(`realtime:${name}`, 'presence_diff', diff);
		for (const member of topic.members) if (member.seesPresence) deliver(fanout, member);
	}
}

function deliver(fanout: Fanout, member: Member): void {
	const wire = fanout.wire(member.version);
	if (wire !== null) member.write(wire);
}

function identify(name: string, isPrivate: boolean): string {
	return `${isPrivate ? 'private' : 'public'}:${name}`;
}
