// Command bench measures what isolation costs, against the ways in which a user
// would write it by hand, as ratios within one run.
//
//	make bench
//	make bench ARGS='-only clients -clients gorm,bun'
//	make bench ARGS='-rounds 51 -time 200ms'
//	make bench ARGS='-only clients -clients peers -peer theirs=/path/to/program'
//
// Machines are noisy, so contestants take turns in short rounds, each round gives
// one ratio, and the median of the ratios is what counts. The fair baseline is the
// same table under row-level security with the tenant fixed once for each session: what
// isolation costs without us.
package main
