import {isDeepStrictEqual} from 'node:util';
import {type Answer} from './answer.ts';

/** A difference that is accepted, and who is right by PostgREST's own specification. */
export interface Known {
	readonly engine: string;
	/** What the request line must match. */
	readonly line?: RegExp;
	/** `status`, `body`, a header's name, or `*` for all of them. */
	readonly fields: readonly string[];
	/** What the two answers must be like. */
	readonly when?: (ours: Answer, theirs: Answer) => boolean;
	readonly reason: string;
}

export interface Found {
	readonly engine: string;
	readonly line: string;
	readonly field: string;
	readonly ours: Answer;
	readonly theirs: Answer;
}

export function explains({engine, line, fields, when}: Known, found: Found): boolean {
	if (engine !== found.engine || (!fields.includes('*') && !fields.includes(found.field))) return false;
	return (line?.test(found.line) ?? true) && (when?.(found.ours, found.theirs) ?? true);
}

const lite = '@supabase/lite';
const everything = ['*'] as const;

function codeOf({body}: Answer): unknown {
	return typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
}

/** The two bodies are alike but for these fields of an error. */
function alikeBut(...fields: readonly string[]): (ours: Answer, theirs: Answer) => boolean {
	const less = ({body}: Answer): object => ({
		...(body as object),
		...Object.fromEntries(fields.map(field => [field, null])),
	});
	return (ours, theirs) => codeOf(ours) !== undefined && isDeepStrictEqual(less(ours), less(theirs));
}

/** Theirs would be ours, if times, numbers and whole JSON documents were not written as texts. */
function printed({body}: Answer, theirs: Answer): boolean {
	const whole =
		typeof theirs.body === 'string' && theirs.body.startsWith('{') ? theirs.body : JSON.stringify(theirs.body);
	const text = whole
		.replaceAll(/(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\+00"/g, '$1T$2+00:00"')
		.replaceAll(/"(\d+\.\d+)"/g, '$1');
	return typeof body === 'object' && isDeepStrictEqual(body, JSON.parse(text));
}

function sameAddress(ours: Answer, theirs: Answer): boolean {
	const [a, b] = [ours, theirs].map(({headers}) =>
		decodeURIComponent((headers['content-location'] ?? '').replaceAll('+', ' ')),
	);
	return a === b;
}

/**
 * In each of these PostgREST's specification (14) or its source says what the hub does; where it leaves the matter open, the
 * reason says so. The list is for this version of the other server alone: a line of it that no case shows any more is named.
 */
export const known: readonly Known[] = [
	{
		engine: lite,
		fields: ['content-type'],
		when: (_, theirs) => theirs.body === '',
		reason: 'It names the type of a body that is empty; PostgREST does not.',
	},
	{
		engine: lite,
		fields: ['content-location'],
		when: (ours, theirs) => theirs.headers['content-location'] === '' || sameAddress(ours, theirs),
		reason: 'It leaves the canonical address out of many reads, and escapes spaces and stars otherwise.',
	},
	{
		engine: lite,
		line: /id=in\.\(2,3,/,
		fields: ['content-location'],
		reason:
			"The hub leaves out an address that is so long that Node's fetch would refuse the answer for it; PostgREST and the other send it.",
	},
	{
		engine: lite,
		fields: ['preference-applied', 'location', 'content-range'],
		when: (_, theirs) => codeOf(theirs) !== undefined,
		reason: 'Follows from its refusal of the request, which is accounted for by itself.',
	},
	{
		engine: lite,
		fields: everything,
		when: (_, theirs) => codeOf(theirs) === 'SUP',
		reason: 'It knows few SQLSTATEs, and answers the others with 500 and a code of its own.',
	},
	{
		engine: lite,
		fields: ['body'],
		when: (ours, theirs) =>
			ours.status === theirs.status && codeOf(ours) === 'PGRST100' && codeOf(theirs) === 'PGRST100',
		reason: 'Its parser has words of its own for what it cannot read; the hub has those of PostgREST.',
	},
	{
		engine: lite,
		fields: ['body'],
		when: alikeBut('hint'),
		reason:
			'It never gives the hint of a RAISE and few of those on functions, and is more generous with those on tables.',
	},
	{
		engine: lite,
		fields: ['body'],
		when: (ours, theirs) => codeOf(ours) === '42703' && codeOf(theirs) === '42703',
		reason:
			'Both say that there is no such column: the hub from its catalog, the other by asking PostgreSQL, which names it by the alias of its own query. PostgREST passes on what PostgreSQL says.',
	},
	{
		engine: lite,
		fields: ['body'],
		when: printed,
		reason:
			'It shows timestamps and numerics of whole rows as PostgreSQL prints them, not as its JSON functions do, and JSON results of functions as text.',
	},
	{
		engine: lite,
		line: /shout|"|&meta->tags=cs|books\(meta|books\(\)&or=/,
		fields: everything,
		reason:
			'It knows computed columns only where they are selected from a table, and quoted names, paths into JSON and null tests only in part.',
	},
	{
		engine: lite,
		line: /isdistinct|like\((any|all)\)/,
		fields: everything,
		reason: 'It takes `isdistinct.true` for a text other than the boolean, and no star for a per cent sign in a list.',
	},
	{
		engine: lite,
		line: /^GET \/books\?select=id&offset=5$/,
		fields: everything,
		reason:
			'An offset that is the number of rows is within the range (206, no rows): 416 begins beyond it (PostgREST: rangeStatusHeader).',
	},
	{
		engine: lite,
		line: /limit=3&offset=1|^HEAD \/books\?select=id$/,
		fields: everything,
		reason: 'A Range header narrows limit and offset, and is for GET alone.',
	},
	{
		engine: lite,
		line: /order=a(uthors)?\(|\.\.\./,
		fields: everything,
		reason:
			'It makes ambiguous SQL of an order by what is embedded and of a spread star, drops spreads within spreads, and filters on them.',
	},
	{
		engine: lite,
		line: /authors\(name\)\)$|and=\(id\.eq\.1\)or/,
		fields: everything,
		reason: 'PostgREST passes over what follows the last parenthesis of a select or a logic tree.',
	},
	{
		engine: lite,
		line: /^POST/,
		fields: ['location'],
		reason: 'It gives a Location where none was asked for, and writes it unescaped.',
	},
	{
		engine: lite,
		line: /^(PATCH|DELETE|PUT)/,
		fields: ['location', 'content-range'],
		reason:
			'PostgREST gives no Location but for inserts, no Content-Range for PUT, and the range of what was changed for PATCH.',
	},
	{
		engine: lite,
		line: /^(POST|PATCH|PUT)/,
		fields: everything,
		when: (_, theirs) => codeOf(theirs) === '42601' || codeOf(theirs) === 'PGRST204',
		reason:
			'It makes SQL that PostgreSQL cannot read of rows without any column, and columns of a body that is no object; PostgREST inserts defaults, and takes every body but objects and arrays for an empty array.',
	},
	{
		engine: lite,
		line: /^(POST|PATCH) \/books\?.*columns=.*pages/,
		fields: everything,
		reason: 'It follows missing=default only for columns that no row has.',
	},
	{
		engine: lite,
		line: /./,
		fields: everything,
		when: (ours, theirs) => codeOf(ours) === '42501' && codeOf(theirs) !== '42501',
		reason: 'It grants anon and authenticated every privilege on every table when it starts.',
	},
	{
		engine: lite,
		fields: ['preference-applied'],
		reason:
			'It names preferences that it does not know or did not follow (tx, count=wrong, return on a read), and leaves out handling, timezone and max-affected. PostgREST names those that it followed; Supabase leaves db-tx-end at commit.',
	},
	{
		engine: lite,
		line: /select=added/,
		fields: ['body'],
		reason: 'It does not follow the timezone preference.',
	},
	{
		engine: lite,
		line: /^PUT \/publishers\?id=eq\.1$/,
		fields: everything,
		reason:
			'For PUT with an empty array PostgREST asks PostgreSQL for a column that the empty body has not, and passes on 42703; the hub too.',
	},
	{
		engine: lite,
		line: /\/rpc\//,
		fields: everything,
		when: (ours, theirs) =>
			[codeOf(ours), codeOf(theirs)].some(code =>
				['PGRST102', 'PGRST124', 'PGRST128', '42883', 'PGRST205'].includes(String(code)),
			),
		reason:
			'Of functions it knows no unnamed text parameter, no list of arguments and no max-affected, and takes any JSON for arguments.',
	},
	{
		engine: lite,
		line: /\/rpc\/(add|noop|hello)/,
		fields: ['status', 'body', 'content-range', 'content-type'],
		reason:
			'It refuses HEAD on functions, counts nothing for void, does not read a CSV of arguments, and makes no CSV of a value.',
	},
	{
		engine: lite,
		line: /^GET \/books\?select=id,(title,price,labels|meta|t:title)/,
		fields: ['body'],
		reason:
			'CSV holds values as PostgreSQL prints them in a row: {sf}, not ["sf"]; and one empty line where there are no rows.',
	},
	{
		engine: lite,
		line: /^POST \/publishers$/,
		fields: everything,
		when: ({body}, theirs) => codeOf(theirs) === '23502' || JSON.stringify(body).includes('(8, null)'),
		reason: 'In a CSV body the word NULL is null, and a line that is too short is refused with PGRST102.',
	},
	{
		engine: lite,
		line: /^GET \/books$|^PURGE/,
		fields: everything,
		when: (ours, theirs) => theirs.status === 200 && [406, 405].includes(ours.status),
		reason: 'It reads for any method, and makes JSON for application/octet-stream, which needs a handler.',
	},
	{
		engine: lite,
		line: /^GET \/hidden\.nobody$/,
		fields: ['body'],
		reason: 'It takes a dot in the address for that of a schema.',
	},
	{
		engine: lite,
		line: /^(GET|HEAD|POST) \/$/,
		fields: everything,
		reason: 'Its OpenAPI document is one of its own making, for any role, without HEAD and without negotiation.',
	},
	{
		engine: lite,
		line: /\?(id=eq|or=id\.eq\.1|select=id&title;drop=eq\.1)$/,
		fields: ['body'],
		reason: 'Its parser reads these on; both refuse them with 400.',
	},
	{
		engine: lite,
		line: /select=(meta->>a->b|title->a)&/,
		fields: everything,
		reason:
			'Keys of JSON are parameters in the hub, so that the error names text for unknown; and PostgREST takes a path into a column that is no JSON by way of to_jsonb, which gives null.',
	},
	{
		engine: lite,
		fields: everything,
		when: ({body}) => body === '',
		line: /^POST \/publishers$/,
		reason: 'PostgREST takes every body but objects and arrays for an empty array, and inserts nothing.',
	},
	{
		engine: lite,
		fields: ['body'],
		when: (ours, theirs) => codeOf(ours) === '22P05' || (codeOf(ours) === '22003' && codeOf(theirs) === '22003'),
		reason: 'It hands values on as it parsed them: a NUL as a byte, a number that is too large rounded.',
	},
	{
		engine: lite,
		fields: everything,
		when: (ours, theirs) => ours.status === 401 && (theirs.status === 200 || codeOf(theirs) === 'PGRST301'),
		reason: 'It takes what is no token for that of anon, and answers every other fault of a token with one message.',
	},
];
