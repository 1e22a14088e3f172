// Command upstream runs a test suite that somebody else wrote twice, on the plain
// driver and through [stratumpgx.DB.SQL] under a tenant, and compares test by test.
//
//	upstream -src FOLDER -module . -package ./stdlib -patch FILE -accepted FILE [-env NAME] [-run PATTERN] [-skip PATTERN]
//
// It works on a copy of the folder, to which it applies the patch, in a workspace of
// its own with the modules of this repository. Both runs connect as stratum_app to a
// database of their own on a throw-away PostgreSQL. Suites create their tables
// themselves, so the role owns these databases: that is a right in them and no
// attribute of the role, so it stays one that stratumpgx.Open accepts, and both runs
// have the same rights. No table has row-level security: what is compared is the way
// of a statement to the server and back.
//
// The file of accepted differences has a line for each test: its name, a space, the
// reason. A line that matches no difference is an error, so that the list cannot grow old.
package main
