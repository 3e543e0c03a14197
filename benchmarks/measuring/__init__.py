"""What the benchmarks share: processes pinned and watched, Bayeux clients that cost little."""
