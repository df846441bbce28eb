import type {z} from 'zod';
import {MailboxError} from '../../mailbox/error.ts';
import {nearest} from '../../mailbox/text/nearest.ts';
import {coerceArguments} from './coerce.ts';
import type {ShortSchema} from './schema.ts';

/** Arguments that a client adds to every tool for itself, and sends along: Gemini CLI says with this one what it runs in parallel. */
const ofClients = new Set(['wait_for_previous']);
/** Arguments that ask for no more than something. One that is too large is lowered to the maximum: a client may get less than it asks for. */
const limits = new Set(['limit', 'timeout_seconds', 'lease_seconds', 'hold']);
/** Maximum number of faults that an error names. */
const maxFaults = 3;

interface Checked<Shape extends z.ZodRawShape> {
	/** The tool's name, for errors. */
	readonly name: string;
	readonly schema: z.ZodObject<Shape>;
	/** The same schema as clients list it. */
	readonly listed: ShortSchema;
}

interface Arguments<Shape extends z.ZodRawShape> {
	readonly args: z.output<z.ZodObject<Shape>>;
	/** Sentences about what was changed, for the client. */
	readonly remarks: readonly string[];
}

/** The arguments that a client sent, as the tool takes them. Throws MailboxError `invalid`, which says what is wrong. */
export function checkArguments<Shape extends z.ZodRawShape>(
	{name, schema, listed}: Checked<Shape>,
	sent: unknown,
): Arguments<Shape> {
	const known = Object.keys(listed.properties ?? {});
	const given = coerceArguments(listed, sent);
	const own =
		typeof given === 'object' && given !== null && !Array.isArray(given)
			? Object.fromEntries(Object.entries(given).filter(([key]) => known.includes(key) || !ofClients.has(key)))
			: given;
	const parsed = schema.safeParse(own);
	if (parsed.success) return {args: parsed.data, remarks: []};
	const {issues} = parsed.error;
	const lowered = loweredIn(own, issues);
	const again = schema.safeParse({...withoutEmpty(own, issues), ...lowered});
	if (again.success) {
		const remarks = Object.entries(lowered).map(
			([argument, max]) => `\`${argument}\` is at most ${max}, which was used.`,
		);
		return {args: again.data, remarks};
	}
	const faults = issues.slice(0, maxFaults).map(issue => sentence(name, known, issue));
	throw new MailboxError('invalid', faults.join(' '));
}

/** The maximum of each limit that is larger. */
function loweredIn(given: unknown, issues: readonly z.core.$ZodIssue[]): {readonly [argument: string]: number} {
	if (typeof given !== 'object' || given === null) return {};
	return Object.fromEntries(
		issues.flatMap(issue => {
			const [argument, ...inner] = issue.path;
			if (issue.code !== 'too_big' || inner.length > 0 || typeof argument !== 'string') return [];
			return limits.has(argument) ? [[argument, Number(issue.maximum)] as const] : [];
		}),
	);
}

/**
 * The arguments without those that are 0 or an empty list where that cannot be: models that fill in every argument mean nothing by it.
 * One that is required is missed then.
 */
function withoutEmpty(given: unknown, issues: readonly z.core.$ZodIssue[]): object {
	if (typeof given !== 'object' || given === null) return {};
	const isEmpty = (value: unknown): boolean => value === 0 || (Array.isArray(value) && value.length === 0);
	const isRefused = (argument: string): boolean =>
		issues.some(({code, path: [name, ...inner]}) => code === 'too_small' && name === argument && inner.length === 0);
	return Object.fromEntries(Object.entries(given).filter(([name, value]) => !isRefused(name) || !isEmpty(value)));
}

function sentence(tool: string, known: readonly string[], issue: z.core.$ZodIssue): string {
	const path = pathOf(issue.path);
	if (issue.code === 'unrecognized_keys') {
		return issue.keys
			.map(key => unknownArgument(path === '' ? tool : `\`${path}\``, key, path === '' ? known : []))
			.join(' ');
	}
	if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return `\`${path}\` is missing.`;
	const message = issue.message.endsWith('.') ? issue.message : `${issue.message}.`;
	return path === '' ? message : `\`${path}\`: ${message}`;
}

function unknownArgument(owner: string, key: string, known: readonly string[]): string {
	const near = nearest(key, known);
	const has = known.length === 0 ? '' : ` It has: ${known.join(', ')}.`;
	return `${owner} has no argument \`${key}\`.${near === null ? has : ` Did you mean \`${near}\`?`}`;
}

/** `steps[0].title` */
function pathOf(path: readonly PropertyKey[]): string {
	return path
		.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
		.join('');
}
