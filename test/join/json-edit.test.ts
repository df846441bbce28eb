import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {locate} from '../../source/join/files/json-document.ts';
import {appendAt, NotAnObject, removeAt, removeItem, setAt, valueAt} from '../../source/join/files/json-edit.ts';

const path = ['mcpServers', 'agentmux'];
const entry = {command: 'agentmux', args: ['mcp', '--as', 'CLAUDE_1']};

describe('setAt', () => {
	test('keeps every other byte: order, indentation, odd spacing, line breaks', () => {
		const text = '{\r\n\t"b" :  [1,2],\r\n\t"mcpServers": {\r\n\t\t"other": {"command":"x"}\r\n\t},\r\n\t"a": 1e3\r\n}';
		expect(setAt(text, path, entry)).toBe(
			'{\r\n\t"b" :  [1,2],\r\n\t"mcpServers": {\r\n\t\t"other": {"command":"x"},\r\n\t\t"agentmux": {\r\n\t\t\t"command": "agentmux",' +
				'\r\n\t\t\t"args": [\r\n\t\t\t\t"mcp",\r\n\t\t\t\t"--as",\r\n\t\t\t\t"CLAUDE_1"\r\n\t\t\t]\r\n\t\t}\r\n\t},\r\n\t"a": 1e3\r\n}',
		);
	});

	test('a document on one line stays on one line', () => {
		expect(setAt('{"mcpServers":{"x":{"command":"y"}}}', path, 'v')).toBe(
			'{"mcpServers":{"x":{"command":"y"}, "agentmux": "v"}}',
		);
	});

	test('creates missing objects on the path', () => {
		expect(setAt('{}', path, 'v')).toBe('{\n  "mcpServers": {\n    "agentmux": "v"\n  }\n}');
	});

	test('replaces what differs, and leaves what is equal as it was written', () => {
		const text = '{"mcpServers": {"agentmux": {"args": ["mcp","--as","CLAUDE_1"],  "command":"agentmux"}}}';
		expect(setAt(text, path, entry)).toBe(text);
		expect(valueAt(setAt(text, path, 'v'), path)).toBe('v');
	});

	test('refuses a path through something that is not an object', () => {
		expect(() => setAt('{"mcpServers": []}', path, 'v')).toThrow(NotAnObject);
		expect(() => setAt('[]', path, 'v')).toThrow(NotAnObject);
	});
});

test.each([
	['{\n"a": 1,\n}', 3],
	['{\n\n"a" 1}', 3],
	['{"a": 01}', 1],
	['', 1],
	['{} x', 1],
	["{\n'a': 1}", 2],
	['{"a": "\n"}', 1],
	['// hello\n{}', 1],
	['[', 1],
])('%j is a fault at line %i', (text, line) => {
	expect(() => JSON.parse(text)).toThrow(SyntaxError);
	expect(() => locate(text)).toThrow(expect.objectContaining({name: 'JsonFault', line}));
});

test('reads exactly what JSON.parse reads', () => {
	const nearly = fc.oneof(
		fc.json(),
		fc.string(),
		fc.tuple(fc.json(), fc.nat(), fc.string({maxLength: 2})).map(([text, at, insertion]) => {
			const place = at % (text.length + 1);
			return text.slice(0, place) + insertion + text.slice(place);
		}),
	);
	fc.assert(
		fc.property(nearly, text => {
			const works = (read: () => unknown) => {
				try {
					read();
					return true;
				} catch {
					return false;
				}
			};
			expect(works(() => locate(text))).toBe(works(() => JSON.parse(text)));
		}),
		{numRuns: 2000},
	);
});

test('what was set can be read, what else there was is unchanged, and removing it restores the text', () => {
	const name = fc.string().filter(key => key !== '__proto__');
	const servers = fc.dictionary(name, fc.jsonValue(), {minKeys: 1});
	const documents = fc.record({
		rest: fc.dictionary(name, fc.jsonValue()),
		servers,
		indent: fc.constantFrom('', '  ', '\t'),
	});
	fc.assert(
		fc.property(documents, ({rest, servers, indent}) => {
			const {agentmux: _, ...others} = servers;
			fc.pre(Object.keys(others).length > 0);
			const document = {...rest, mcpServers: others};
			const text = JSON.stringify(document, null, indent);
			const edited = setAt(text, path, entry);
			const plain: unknown = JSON.parse(text);
			expect(JSON.parse(edited)).toEqual({
				...(plain as object),
				mcpServers: {...JSON.parse(JSON.stringify(others)), agentmux: entry},
			});
			expect(setAt(edited, path, entry)).toBe(edited);
			expect(removeAt(edited, path)).toBe(text);
		}),
	);
});

describe('comments', () => {
	const commented = `// settings
{
	"mcpServers": /* servers */ {
		// the first
		"one": {"command": "x"}, // of two: {}, "a"
		"two": [/* none */] // about two
	} // the end
}
`;

	test('are refused where they are not allowed, with the line', () => {
		expect(() => locate(commented)).toThrow(expect.objectContaining({line: 1}));
		expect(() => locate('{\n/* }', {comments: true})).toThrow(expect.objectContaining({line: 2}));
	});

	test('stay where they are, and with what they are about', () => {
		const edited = setAt(commented, path, 'v');
		expect(edited).toBe(
			commented.replace('[/* none */] // about two', '[/* none */], // about two\n\t\t"agentmux": "v"'),
		);
		expect(valueAt(edited, ['mcpServers'])).toEqual({one: {command: 'x'}, two: [], agentmux: 'v'});
		expect(setAt(edited, path, 'v')).toBe(edited);
		expect(removeAt(edited, path)).toBe(commented);
	});

	test('alone in an object or an array stay in it', () => {
		const object = '{\n  // nothing yet\n}';
		expect(setAt(object, ['a'], 1)).toBe('{\n  // nothing yet\n  "a": 1\n}');
		expect(removeAt(setAt(object, ['a'], 1), ['a'])).toBe(object);
		const array = '{\n  "a": [ // none\n  ]\n}';
		expect(valueAt(appendAt(array, ['a'], 1), ['a'])).toEqual([1]);
		expect(removeItem(appendAt(array, ['a'], 1), ['a'], 0)).toBe(array);
	});

	test.each([
		['{"a": 1, // x\n"agentmux": 2}', '{"a": 1 // x\n}'],
		['{"agentmux": 2, // x\n"a": 1}', '{// x\n"a": 1}'],
		['{"a": 1 /* , */ , // x\n"agentmux": 2 // y\n,"b": 3}', '{"a": 1 /* , */ , // x\n// y\n"b": 3}'],
	])('around an entry that is taken out of %j stay', (before, after) => {
		expect(removeAt(before, ['agentmux'])).toBe(after);
		expect(locate(after, {comments: true})).toBeDefined();
	});
});
