import type {Outcome} from './faults.ts';
import type {Follower} from './followers.ts';
import {query, type Address} from './writers.ts';

/** Milliseconds until what a follower was not shown is lost. */
const patience = 120_000;

/**
 * Waits until every follower was shown every committed message, and what is written after it, and counts: `lost` those that
 * one was not shown, `duplicated` those that one was shown twice, over all followers. `to`: whom the last message addresses.
 */
export async function countShown(
	hub: Address,
	followers: readonly Follower[],
	to: string,
): Promise<Required<Pick<Outcome, 'lost' | 'duplicated' | 'faults' | 'remark'>>> {
	// What comes last: whoever was shown it was shown twice before it what it is to be shown twice.
	await query(hub, `insert into messages (content) values ('[WRITER] that was all @${to}')`);
	const rows = await query<{id: number; xid: string}>(hub, 'select id, xid::text from messages order by xid, id');
	const ids = rows.map(({id}) => id);
	const missing = ({shown}: Follower): number => {
		const seen = new Set(shown);
		return ids.filter(id => !seen.has(id)).length;
	};
	const deadline = Date.now() + patience;
	while (followers.some(each => missing(each) > 0) && Date.now() < deadline) {
		// A state is waited for; how often it is looked at is all that this says.
		await new Promise(resolve => {
			setTimeout(resolve, 100);
		});
	}
	const place = new Map(ids.map((id, index) => [id, index]));
	const faults: string[] = [];
	const remarks: string[] = [];
	let lost = 0;
	let duplicated = 0;
	for (const follower of followers) {
		const {name, kind, shown, troubles} = follower;
		const gone = missing(follower);
		const twice = shown.length - new Set(shown).size;
		lost += gone;
		if (gone > 0) faults.push(`the ${name} was not shown ${gone} of ${ids.length}`);
		if (kind === 'mail') {
			if (twice > 0) remarks.push(`${twice} handed over again to the ${name}`);
		} else {
			duplicated += twice;
			const late = shown.filter(
				(id, at) => at > 0 && (place.get(id) ?? 0) < (place.get(shown[at - 1] ?? 0) ?? 0),
			).length;
			if (late > 0) remarks.push(`${late} out of order in the ${name}`);
		}
		faults.push(...troubles);
	}
	return {lost, duplicated, faults, remark: remarks.join(', ')};
}
