import {randomBytes} from 'node:crypto';
import {isDeepStrictEqual} from 'node:util';
import {members, objectText, type JsonText} from './json-text.ts';

interface Meta {
	readonly key: string;
	readonly ref: string;
	readonly payload: unknown;
	/** The payload with `phx_ref`, as others see it. */
	readonly text: JsonText;
}

/** The presence of one topic: what each member tracks, under the key that it chose. */
export class Presence<Member> {
	readonly #metas = new Map<Member, Meta>();

	/** `payload` is a JSON object. Returns the `presence_diff` to send, or null if nothing changed. */
	track(member: Member, key: string, payload: JsonText): JsonText | null {
		const before = this.#metas.get(member);
		const value: unknown = JSON.parse(payload);
		if (before !== undefined && isDeepStrictEqual(before.payload, value)) return null;
		const ref = randomBytes(12).toString('base64url');
		const text = objectText([
			['phx_ref', JSON.stringify(ref)],
			...(before === undefined ? [] : [['phx_ref_prev', JSON.stringify(before.ref)] as const]),
			...[...members(payload)].filter(([name]) => name !== 'phx_ref' && name !== 'phx_ref_prev'),
		]);
		const meta = {key, ref, payload: value, text};
		this.#metas.set(member, meta);
		return diff([meta], before === undefined ? [] : [before]);
	}

	/** Returns the `presence_diff` to send, or null if the member was not present. */
	untrack(member: Member): JsonText | null {
		const before = this.#metas.get(member);
		this.#metas.delete(member);
		return before === undefined ? null : diff([], [before]);
	}

	/** The `presence_state`. */
	state(): JsonText {
		return byKey([...this.#metas.values()]);
	}
}

function diff(joins: readonly Meta[], leaves: readonly Meta[]): JsonText {
	return `{"joins":${byKey(joins)},"leaves":${byKey(leaves)}}`;
}

function byKey(metas: readonly Meta[]): JsonText {
	const groups = Map.groupBy(metas, meta => meta.key);
	return objectText(
		[...groups].map(([key, group]) => [key, `{"metas":[${group.map(({text}) => text).join(',')}]}`] as const),
	);
}
