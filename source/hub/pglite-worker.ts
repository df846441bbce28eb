import './pglite.ts';
