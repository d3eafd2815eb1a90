"""What keeps a second run away is never taken back."""

from harness import Mutant, Replace

MUTANT = Mutant(
    name="schedule-claim-for-ever",
    contract="schedule.one-run-per-slot",
    why="`SET NX` as a lock, without a time to live and without the slot in its key: "
    "the first run is the last one.",
    overlay=(
        Replace(
            path="reference_app/patterns/single_beat.py",
            old="if last and math.abs(ARGV[1] - last) < tonumber(ARGV[3]) "
            "then return 0 end\n"
            "redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[4])\n",
            new="if last then return 0 end\n"
            "redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])\n",
        ),
    ),
)
