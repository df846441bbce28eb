/** The tests of the hub run twice: on PGlite, and in the project `PostgreSQL` of vitest.config.ts on a real server. */
export const onPostgres = process.env['AGENTMUX_TEST_ENGINE'] === 'PostgreSQL';
