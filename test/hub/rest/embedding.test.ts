import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {engines, openStage, type Stage} from './stage.ts';

const schema = `
create schema hidden;
create table hidden.people (id int primary key, full_name text);
create table hidden.reviews (id int primary key, film_id int, critic_id int references hidden.people, stars int);
create table directors (id int primary key, name text, mentor_id int references directors);
create table films (id int primary key, title text, director_id int references directors, year int);
alter table hidden.reviews add foreign key (film_id) references films;
create table actors (id int primary key, name text);
create table roles (film_id int references films, actor_id int references actors, part text, primary key (film_id, actor_id, part));
create table budgets (film_id int primary key references films, euros int);

create view critics as select id, full_name as name from hidden.people;
create view reviews as select id, film_id, critic_id, stars, stars > 3 as good from hidden.reviews;
create view seventies as select f.id as film, f.title, f.director_id from films f where year between 1970 and 1979;
create view "the {late} seventies" as with late as (select * from seventies where film > 1) select film, upper(title) as loud, director_id, director_id as again from late;
create view grouped as select director_id, count(*) as films from films group by director_id;
create materialized view cast_list as select film_id, part from roles;
create function shown(films) returns tsvector language sql immutable as $$ select to_tsvector('english', $1.title) $$;
create domain words as tsvector;
create domain wordier as words;
create table texts (id int primary key, found wordier, ids oid[]);
create domain number_of_films as int default 7;
create table shelves (id int primary key, holds number_of_films, note text);
create domain film as films;
create function any_film(p_id int) returns setof film language sql stable as 'select films::film from films where id = p_id';
create function loose(p_id int default 1) returns record language sql stable as 'select id, title from films where id = p_id';
create function looser() returns setof record language sql stable as 'select id, title from films where id < 3 order by id';
create function cookie() returns text language sql stable as $$ select current_setting('request.cookies', true)::json ->> 'flavour' $$;

insert into hidden.people values (1, 'Pauline'), (2, 'Roger');
insert into directors values (1, 'Andrei', null), (2, 'Agnes', 1), (3, 'Alexander', 1);
insert into films values (1, 'Solaris', 1, 1972), (2, 'Stalker', 1, 1979), (3, 'Vagabond', 2, 1985);
insert into hidden.reviews values (1, 1, 1, 5), (2, 1, 2, 2), (3, 3, 2, 4);
insert into actors values (1, 'Natalya'), (2, 'Sandrine');
insert into roles values (1, 1, 'Hari'), (1, 1, 'Ghost'), (3, 2, 'Mona');
insert into budgets values (1, 100);
insert into texts values (1, to_tsvector('simple', 'the sea'), '{1,2}');
refresh materialized view cast_list;
`;

describe.each(engines)('embedding on $engine', ({open}) => {
	let stage: Stage;
	beforeAll(async () => {
		stage = await openStage(schema, await open());
	});
	afterAll(async () => {
		await stage.database.close();
	});
	const get = async (path: string, headers = {}) => (await stage.ask('GET', path, {headers})).json;

	describe('through views', () => {
		test('a view stands for its table, at either end', async () => {
			expect(await get('/seventies?select=title,directors(name)&order=film')).toEqual([
				{title: 'Solaris', directors: {name: 'Andrei'}},
				{title: 'Stalker', directors: {name: 'Andrei'}},
			]);
			expect(await get('/directors?select=name,seventies(title)&id=lt.3&order=id&seventies.order=film')).toEqual([
				{name: 'Andrei', seventies: [{title: 'Solaris'}, {title: 'Stalker'}]},
				{name: 'Agnes', seventies: []},
			]);
		});

		test('two views show a key between tables that are not exposed, under other names', async () => {
			expect(await get('/reviews?select=stars,good,critics(name),films(title)&order=id&limit=1')).toEqual([
				{stars: 5, good: true, critics: {name: 'Pauline'}, films: {title: 'Solaris'}},
			]);
			expect(await get('/critics?select=name,reviews!inner(stars)&reviews.good=is.true&order=id')).toEqual([
				{name: 'Pauline', reviews: [{stars: 5}]},
				{name: 'Roger', reviews: [{stars: 4}]},
			]);
		});

		test('a view over a view, with a subquery and braces in its name, leads to its table', async () => {
			const view = encodeURIComponent('the {late} seventies');
			expect(await get(`/${view}?select=loud,directors!director_id(name)`)).toEqual([
				{loud: 'STALKER', directors: {name: 'Andrei'}},
			]);
			const both = await stage.ask('GET', `/${view}?select=loud,directors(name)`);
			expect([both.status, both.json.code, both.json.details.length]).toEqual([300, 'PGRST201', 2]);
		});

		test('grouped and materialized views embed by the columns that they expose', async () => {
			expect(await get('/grouped?select=films,directors(name)&order=films.desc')).toEqual([
				{films: 2, directors: {name: 'Andrei'}},
				{films: 1, directors: {name: 'Agnes'}},
			]);
			expect(await get('/films?select=title,actors:cast_list(part)&id=eq.1&actors.order=part')).toEqual([
				{title: 'Solaris', actors: [{part: 'Ghost'}, {part: 'Hari'}]},
			]);
		});

		test('a view has the primary key of its table: upserts and Location know it', async () => {
			const made = await stage.ask('POST', '/critics', {
				body: {id: 3, name: 'Manny'},
				headers: {prefer: 'return=headers-only'},
			});
			expect([made.status, made.headers['Location']]).toEqual([201, '/critics?id=eq.3']);
			const merged = await stage.client().from('critics').upsert({id: 3, name: 'Manny F.'}).select();
			expect(merged).toMatchObject({status: 200, data: [{id: 3, name: 'Manny F.'}]});
			expect((await stage.ask('DELETE', '/critics?id=eq.3')).status).toBe(204);
		});

		test('a replaced view leads to its new table', async () => {
			await stage.sql('create view changing as select id, title from films');
			expect((await get('/changing?select=title,directors(name)')).code).toBe('PGRST200');
			await stage.sql('create or replace view changing as select id, title, director_id from films');
			expect(await get('/changing?select=title,directors(name)&id=eq.3')).toEqual([
				{title: 'Vagabond', directors: {name: 'Agnes'}},
			]);
		});
	});

	describe('choosing the relationship', () => {
		test('a junction may have more columns in its primary key than its two foreign keys', async () => {
			expect(await get('/films?select=title,actors(name)&id=eq.3')).toEqual([
				{title: 'Vagabond', actors: [{name: 'Sandrine'}]},
			]);
			expect(await get('/actors?select=name,films!roles(title)&id=eq.2')).toEqual([
				{name: 'Sandrine', films: [{title: 'Vagabond'}]},
			]);
		});

		test("a self-reference: to-many by the table's name, with or without the column; to-one by the column", async () => {
			const many = {name: 'Andrei', pupils: [{name: 'Agnes'}, {name: 'Alexander'}]};
			expect(await get('/directors?select=name,pupils:directors(name)&id=eq.1&pupils.order=id')).toEqual([many]);
			expect(await get('/directors?select=name,pupils:directors!mentor_id(name)&id=eq.1&pupils.order=id')).toEqual([
				many,
			]);
			expect(await get('/directors?select=name,mentor:mentor_id(name)&id=eq.2')).toEqual([
				{name: 'Agnes', mentor: {name: 'Andrei'}},
			]);
		});

		test('one to one is an object from both ends, by the key column too', async () => {
			expect(await get('/films?select=title,budgets(euros)&id=lt.3&order=id')).toEqual([
				{title: 'Solaris', budgets: {euros: 100}},
				{title: 'Stalker', budgets: null},
			]);
			expect(await get('/budgets?select=euros,film_id(title)')).toEqual([{euros: 100, film_id: {title: 'Solaris'}}]);
		});

		test('filters, orders and limits find an embedding by its alias and by its own name', async () => {
			for (const name of ['works', 'films']) {
				expect(
					await get(`/directors?select=name,works:films(title)&id=eq.1&${name}.order=year.desc&${name}.limit=1`),
				).toEqual([{name: 'Andrei', works: [{title: 'Stalker'}]}]);
			}
			// A filter on the column is not a filter on what is embedded by that column under an alias.
			expect(await get('/directors?select=name,mentor:mentor_id(name)&mentor_id=is.null')).toEqual([
				{name: 'Andrei', mentor: null},
			]);
		});

		test('several levels deep, with joins, spreads, filters and orders at each', async () => {
			expect(
				await get(
					'/directors?select=name,films!inner(title,...budgets(cost:euros),reviews(stars,...critics(by:name)))&films.reviews.stars=gt.1&films.reviews.order=stars.desc&films.year=lt.1975',
				),
			).toEqual([
				{
					name: 'Andrei',
					films: [
						{
							title: 'Solaris',
							cost: 100,
							reviews: [
								{stars: 5, by: 'Pauline'},
								{stars: 2, by: 'Roger'},
							],
						},
					],
				},
			]);
		});

		test('an unknown name gets the most similar related table as a hint', async () => {
			expect(await get('/films?select=director(name)')).toMatchObject({
				code: 'PGRST200',
				details:
					"Searched for a foreign key relationship between 'films' and 'director' in the schema 'public', but no matches were found.",
				hint: "Perhaps you meant 'directors' instead of 'director'.",
			});
		});
	});

	describe('domains and other types', () => {
		test('a text search uses a tsvector as it is, also computed or of a domain over a domain', async () => {
			expect(await get('/films?select=title&shown=fts(english).stalkers')).toEqual([{title: 'Stalker'}]);
			expect(await get('/texts?select=id&found=fts(simple).sea')).toEqual([{id: 1}]);
		});

		test('a cast may name an array type as the catalog does', async () => {
			expect(await get('/texts?select=ids::_int4')).toEqual([{ids: [1, 2]}]);
		});

		test("missing=default takes a domain's default", async () => {
			const {json} = await stage.ask('POST', '/shelves?columns=id,holds,note', {
				body: [{id: 1}],
				headers: {prefer: 'return=representation, missing=default'},
			});
			expect(json).toEqual([{id: 1, holds: 7, note: null}]);
		});

		test('a function may return a domain of a table, or records that only itself knows', async () => {
			expect(await get('/rpc/any_film?p_id=3&select=title,directors(name)')).toEqual([
				{title: 'Vagabond', directors: {name: 'Agnes'}},
			]);
			expect((await stage.ask('POST', '/rpc/loose', {body: {p_id: 2}})).json).toEqual({id: 2, title: 'Stalker'});
			expect(await get('/rpc/looser')).toEqual([
				{id: 1, title: 'Solaris'},
				{id: 2, title: 'Stalker'},
			]);
		});

		test('a function sees the cookies of the request', async () => {
			expect(await get('/rpc/cookie', {cookie: 'a=1; flavour=oat'})).toBe('oat');
		});
	});
});
