import {badPreferences} from '../errors/error.ts';

const choices = {
	resolution: ['merge-duplicates', 'ignore-duplicates'],
	return: ['representation', 'minimal', 'headers-only'],
	count: ['exact', 'planned', 'estimated'],
	// Supabase's db-tx-end is `commit`, which requests cannot override: the preference is valid, but ignored.
	tx: ['commit', 'rollback'],
	missing: ['default', 'null'],
	handling: ['strict', 'lenient'],
} as const;

type Choices = {readonly [Key in Exclude<keyof typeof choices, 'tx'>]: (typeof choices)[Key][number] | null};

/** The preferences that PostgREST supports in the Prefer header (RFC 7240); of duplicates, the first counts. */
export interface Preferences extends Choices {
	readonly timezone: string | null;
	readonly maxAffected: number | null;
}

/** Throws PGRST122 for unknown preferences with handling=strict. */
export function parsePreferences(header: string | undefined): Preferences {
	const given = (header ?? '')
		.split(',')
		.map(text => text.trim())
		.filter(text => text !== '');
	const pick = <Key extends keyof typeof choices>(key: Key): (typeof choices)[Key][number] | null => {
		const known: readonly (typeof choices)[Key][number][] = choices[key];
		for (const text of given) {
			const found = known.find(each => text === `${key}=${each}`);
			if (found !== undefined) return found;
		}
		return null;
	};
	const rest = (prefix: string) => given.find(text => text.startsWith(prefix))?.slice(prefix.length) ?? null;
	const maxAffected = rest('max-affected=');
	const preferences: Preferences = {
		resolution: pick('resolution'),
		return: pick('return'),
		count: pick('count'),
		missing: pick('missing'),
		handling: pick('handling'),
		timezone: knownZone(rest('timezone=')),
		maxAffected: maxAffected !== null && /^\d{1,15}$/.test(maxAffected) ? Number(maxAffected) : null,
	};
	const unknown = given.filter(text => !isKnown(text));
	if (preferences.handling === 'strict' && unknown.length > 0) throw badPreferences(unknown);
	return preferences;
}

/** The Preference-Applied header for these preferences. */
export function preferenceApplied(preferences: Partial<Preferences>): {readonly [name: string]: string} {
	const {resolution, missing, count, handling, timezone, maxAffected} = preferences;
	const applied = [
		resolution && `resolution=${resolution}`,
		missing && `missing=${missing}`,
		preferences.return && `return=${preferences.return}`,
		count && `count=${count}`,
		handling && `handling=${handling}`,
		timezone && `timezone=${timezone}`,
		handling === 'strict' && typeof maxAffected === 'number' && `max-affected=${maxAffected}`,
	].filter(text => typeof text === 'string' && text !== '');
	return applied.length === 0 ? {} : {'Preference-Applied': applied.join(', ')};
}

/** Null for a zone that does not exist, which is ignored, as in PostgREST. */
function knownZone(name: string | null): string | null {
	// Offsets are not supported: their sign means the opposite in PostgreSQL.
	if (name === null || !/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return null;
	try {
		return new Intl.DateTimeFormat('en', {timeZone: name}).resolvedOptions().timeZone === '' ? null : name;
	} catch {
		return null;
	}
}

function isKnown(text: string): boolean {
	if (text.startsWith('max-affected=')) return true;
	if (text.startsWith('timezone=')) return knownZone(text.slice('timezone='.length)) !== null;
	return Object.entries(choices).some(([key, known]) => known.some(each => text === `${key}=${each}`));
}
