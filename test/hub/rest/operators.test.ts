import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {engines, openStage, type Stage} from './stage.ts';

const schema = `
create type mood as enum ('calm', 'wild');
create table things (
	id int primary key,
	name text,
	score numeric,
	done boolean,
	labels text[],
	during int4range,
	data jsonb,
	plain json,
	feels mood,
	at timestamptz,
	words tsvector,
	raw bytea
);
insert into things values
	(1, 'alpha', 1.5, true, '{a,b}', '[1,5)', '{"a": {"b": [10, 20]}, "s": "x"}', '{"k": "v"}', 'calm', '2026-01-01T00:00:00Z', to_tsvector('english', 'the quick brown foxes'), '\\x01'),
	(2, 'beta', 2.5, false, '{b,c}', '[5,10)', '{"a": {"b": [30]}, "s": "y"}', '{"k": null}', 'wild', '2026-06-01T00:00:00Z', to_tsvector('english', 'lazy dogs'), '\\x02'),
	(3, 'Gamma (3), "odd"', null, null, '{}', null, null, null, null, null, null, null),
	(4, null, 0, true, null, '[20,30)', '[1, 2]', '[1]', 'calm', 'infinity', '', '');
create function shout(things) returns text language sql immutable as $$ select upper($1.name) $$;
create table tags (id int primary key, tag text);
create table things_tags (thing_id int references things, tag_id int references tags, primary key (thing_id, tag_id));
insert into tags values (1, 'red'), (2, 'blue');
insert into things_tags values (1, 1), (1, 2), (2, 2);
create table nodes (id int primary key, parent_id int references nodes, name text);
insert into nodes values (1, null, 'root'), (2, 1, 'left'), (3, 1, 'right'), (4, 2, 'leaf');
create function node_children(nodes_row nodes) returns setof nodes language sql stable as $$ select * from nodes where parent_id = $1.id order by id $$;
create function first_child(nodes) returns setof nodes rows 1 language sql stable as $$ select * from nodes where parent_id = $1.id order by id limit 1 $$;
create table games (id int primary key, home int references nodes, away int references nodes);
insert into games values (1, 2, 3);
create table wide (id int primary key ${Array.from({length: 120}, (_, index) => `, c${index} int default ${index}`).join('')});
insert into wide (id) values (1);
create table "Odd ""name" ("Spaced out" int primary key, "select" text, "we-ird" text, "ünï" text);
`;

describe.each(engines)('on $engine', ({open}) => {
	let stage: Stage;
	beforeAll(async () => {
		stage = await openStage(schema, await open(), {maxRows: 1000});
	});
	afterAll(async () => {
		await stage.database.close();
	});

	async function ids(query: string): Promise<unknown> {
		const {json, status} = await stage.ask('GET', `/things?select=id&order=id&${query}`);
		return status === 200 ? (json as {id: number}[]).map(({id}) => id) : json;
	}

	describe('every operator', () => {
		test.each([
			['id=eq.2', [2]],
			['id=neq.2', [1, 3, 4]],
			['id=gt.2', [3, 4]],
			['id=gte.2', [2, 3, 4]],
			['id=lt.2', [1]],
			['id=lte.2', [1, 2]],
			['name=like.*eta', [2]],
			['name=like.%25eta', [2]],
			['name=ilike.gamma*', [3]],
			['name=match.^al', [1]],
			['name=imatch.^AL', [1]],
			['done=is.true', [1, 4]],
			['done=is.not_null', [1, 2, 4]],
			['done=is.unknown', [3]],
			['name=is.NULL', [4]],
			['name=not.is.null', [1, 2, 3]],
			['done=isdistinct.true', [2, 3]],
			['id=in.(1,3,99)', [1, 3]],
			['id=in.()', []],
			['id=not.in.(1,3)', [2, 4]],
			['name=in.("Gamma (3), \\"odd\\"",beta)', [2, 3]],
			['labels=cs.{b}', [1, 2]],
			['labels=cd.{a,b,z}', [1, 3]],
			['labels=ov.{a,c}', [1, 2]],
			['data=cs.{"s":"x"}', [1]],
			['during=sl.[6,9)', [1]],
			['during=sr.[1,4)', [2, 4]],
			['during=nxr.[1,9]', [1, 2]],
			['during=nxl.[4,9]', [2, 4]],
			['during=adj.[10,20)', [2, 4]],
			['during=cs.[2,3]', [1]],
			['words=fts.fox', [1]],
			['words=plfts(english).brown fox', [1]],
			['words=phfts(english).quick brown', [1]],
			['words=wfts.dog or fox', [1, 2]],
			['words=not.fts.fox', [2, 4]],
			['name=fts(simple).alpha', [1]],
			['name=eq(any).{alpha,beta}', [1, 2]],
			['name=like(any).{al*,be*}', [1, 2]],
			['name=like(all).{*a,*l*}', [1]],
			['id=gt(all).{1,2}', [3, 4]],
			['feels=eq.calm', [1, 4]],
			['at=lt.2026-03-01', [1]],
			['score=gt.1.0', [1, 2]],
			['raw=eq.\\x01', [1]],
			['data->a->b->>0=eq.10', [1]],
			['data->a->b->0=gt.15', [2]],
			['data->>0=eq.1', [4]],
			['data->-1=eq.2', [4]],
			['plain->>k=eq.v', [1]],
			['plain->>k=is.null', [2, 3, 4]],
			['shout=eq.ALPHA', [1]],
			['or=(id.eq.1,id.eq.3)', [1, 3]],
			['or=(id.gt.3,and(id.gt.1,name.like.b*))', [2, 4]],
			['not.or=(id.eq.1,id.eq.3)', [2, 4]],
			['and=(id.gt.1,not.or(id.eq.2,id.eq.3))', [4]],
			['or=(name.in.("Gamma (3), \\"odd\\"",beta),id.eq.1)', [1, 2, 3]],
			['or=(name.eq."Gamma (3), \\"odd\\"",id.eq.1)', [1, 3]],
			['or=(labels.cs.{a,b},data->>s.eq.y)', [1, 2]],
			['or=( id.eq.1 , id.eq.2 )', [1, 2]],
			['id=gt.1&id=lt.4', [2, 3]],
		])('%s', async (query, expected) => {
			expect(await ids(query)).toEqual(expected);
		});

		test('order says where nulls go, and looks into JSON', async () => {
			const order = async (by: string) =>
				(await stage.ask('GET', `/things?select=id&order=${by}`)).json.map(({id}: {id: number}) => id);
			expect(await order('score.desc.nullslast,id')).toEqual([2, 1, 4, 3]);
			expect(await order('score.nullsfirst')).toEqual([3, 4, 1, 2]);
			expect(await order('data->>s.desc.nullslast,id.desc')).toEqual([2, 1, 4, 3]);
		});

		test('a list of a hundred thousand items is one value', async () => {
			const many = Array.from({length: 100_000}, (_, index) => index + 3).join(',');
			expect(await ids(`id=in.(${many})`)).toEqual([3, 4]);
		});
	});

	describe('shapes', () => {
		const get = async (path: string, headers = {}) => (await stage.ask('GET', path, {headers})).json;

		test('computed columns, many to many, self references and hints', async () => {
			expect(await get('/things?select=id,shout&id=eq.1')).toEqual([{id: 1, shout: 'ALPHA'}]);
			expect(await get('/things?select=id,tags(tag)&id=lt.3&order=id&tags.order=tag')).toEqual([
				{id: 1, tags: [{tag: 'blue'}, {tag: 'red'}]},
				{id: 2, tags: [{tag: 'blue'}]},
			]);
			expect(await get('/nodes?select=name,nodes(name)&id=eq.1&nodes.order=id')).toEqual([
				{name: 'root', nodes: [{name: 'left'}, {name: 'right'}]},
			]);
			expect(await get('/nodes?select=name,parent:parent_id(name)&id=eq.4')).toEqual([
				{name: 'leaf', parent: {name: 'left'}},
			]);
			expect(await get('/games?select=home:nodes!games_home_fkey(name),away:nodes!away(name)')).toEqual([
				{home: {name: 'left'}, away: {name: 'right'}},
			]);
			expect(await get('/games?select=home(name),away(name,parent_id(name))')).toEqual([
				{home: {name: 'left'}, away: {name: 'right', parent_id: {name: 'root'}}},
			]);
		});

		test('functions of a row embed what they return, of a write too', async () => {
			expect(await get('/nodes?select=name,node_children(name),first_child(name)&id=lt.3&order=id')).toEqual([
				{name: 'root', node_children: [{name: 'left'}, {name: 'right'}], first_child: {name: 'left'}},
				{name: 'left', node_children: [{name: 'leaf'}], first_child: {name: 'leaf'}},
			]);
			const written = await stage.ask('PATCH', '/nodes?id=eq.1&select=first_child(id)', {
				body: {name: 'top'},
				headers: {prefer: 'return=representation'},
			});
			expect(written.json).toEqual([{first_child: {id: 2}}]);
			await stage.sql("update nodes set name = 'root' where id = 1");
		});

		test('an ambiguous embedding is refused, and the error lists both keys', async () => {
			const {status, json} = await stage.ask('GET', '/games?select=nodes(name)');
			expect(status).toBe(300);
			expect(json).toMatchObject({code: 'PGRST201', hint: expect.stringContaining("'nodes!games_home_fkey'")});
			expect(json.details).toHaveLength(2);
		});

		test('a logic tree on an embedded resource, and spread of the many', async () => {
			expect(await get('/things?select=id,tags!inner(tag)&tags.or=(tag.eq.red,tag.eq.green)')).toEqual([
				{id: 1, tags: [{tag: 'red'}]},
			]);
			expect(await get('/things?select=id,...tags(tag)&id=lt.4&order=id')).toEqual([
				{id: 1, tag: ['red', 'blue']},
				{id: 2, tag: ['blue']},
				{id: 3, tag: []},
			]);
		});

		test('more columns than a function has arguments keep their order under aliases', async () => {
			const [row] = await get('/wide?select=key:id,*');
			expect(Object.keys(row)).toHaveLength(122);
			expect(Object.keys(row).slice(0, 3)).toEqual(['key', 'id', 'c0']);
			expect(row.c119).toBe(119);
			const made = await stage.ask('POST', '/wide', {
				body: [{id: 2}, {id: 3}],
				headers: {prefer: 'return=representation, missing=default'},
			});
			expect(made.json).toMatchObject([
				{id: 2, c119: 119},
				{id: 3, c0: 0},
			]);
		});

		test('nulls can be left out', async () => {
			const [row] = await get('/things?select=id,name,score&id=eq.4', {
				accept: 'application/vnd.pgrst.array+json;nulls=stripped',
			});
			expect(row).toEqual({id: 4, score: 0});
		});

		test('names of any kind', async () => {
			const table = encodeURIComponent('Odd "name');
			const body = {'Spaced out': 1, select: 's', 'we-ird': 'w', ünï: 'u'};
			const made = await stage.ask('POST', `/${table}`, {body, headers: {prefer: 'return=representation'}});
			expect(made.json).toEqual([body]);
			expect(await get(`/${table}?select="Spaced out",we-ird,ünï&"Spaced out"=eq.1`)).toEqual([
				{'Spaced out': 1, 'we-ird': 'w', ünï: 'u'},
			]);
		});

		test('a Range header asks for rows too', async () => {
			const {status, headers, json} = await stage.ask('GET', '/things?select=id&order=id', {
				headers: {range: '1-2', 'range-unit': 'items', prefer: 'count=exact'},
			});
			expect({status, range: headers['Content-Range'], json}).toEqual({
				status: 206,
				range: '1-2/4',
				json: [{id: 2}, {id: 3}],
			});
			const wrong = await stage.ask('GET', '/things', {headers: {range: '5-1'}});
			expect(wrong.json.code).toBe('PGRST103');
		});

		test('accepts CSV and forms, and returns CSV', async () => {
			const csv = 'id,tag\n10,"a, b"\n11,NULL\n';
			const {status} = await stage.ask('POST', '/tags', {body: csv, headers: {'content-type': 'text/csv'}});
			expect(status).toBe(201);
			expect(await get('/tags?id=gte.10&order=id')).toEqual([
				{id: 10, tag: 'a, b'},
				{id: 11, tag: null},
			]);
			await stage.ask('POST', '/tags', {
				body: 'id=12&tag=x+y',
				headers: {'content-type': 'application/x-www-form-urlencoded'},
			});
			expect((await stage.ask('GET', '/tags?id=gte.10&order=id', {headers: {accept: 'text/csv'}})).body).toBe(
				'id,tag\n10,"a, b"\n11,\n12,"x y"',
			);
		});

		test('columns= uses only the named columns', async () => {
			const {json} = await stage.ask('POST', '/tags?columns=id,tag', {
				body: [{id: 20, tag: 'kept', extra: 1}, {id: 21}],
				headers: {prefer: 'return=representation'},
			});
			expect(json).toEqual([
				{id: 20, tag: 'kept'},
				{id: 21, tag: null},
			]);
		});
	});
});
