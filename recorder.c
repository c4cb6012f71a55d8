/*
 * The recorder: what a hook's stub calls in the target in place of a trap.  It walks the caller's stack by
 * rules learned from the monitor and notes blocks and frees in memory that it shares with the monitor.
 *
 * Freestanding: no libc, no system call, no data of its own but the word at its start, general registers
 * only. `python3 recorder.py --build recorder.c` compiles it (twice: for the target, and with -DKEEPER the
 * functions that the monitor calls on the same tables) and writes the machine code into recorder.py.  The
 * structures are declared there too, once; the header made from that declaration is included on the
 * compiler's command line.
 *
 * No lock anywhere.  A block is 16 bytes, put in by one cmpxchg16b, so no thread that is stopped, killed or
 * thrown out by siglongjmp can leave half of one; see take() for how it is taken out.  No state is kept for a
 * thread between calls.
 *
 * Facts: System V ABI AMD64 3.2 (registers, stack frame), 3.4.1 and 6.2 (fs:0, unwinding); struct sigcontext
 * in Linux arch/x86/include/uapi/asm/sigcontext.h; "SDM" volume 3, 9.2 (order of loads and stores).
 */

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define RARE static __attribute__((noinline, cold))
/* The code is to be small (-Os), to find room in tails of segments; but for what runs at each allocation. */
#define FAST __attribute__((optimize("O2", "no-reorder-blocks-and-partition")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define VOLATILE(x) (*(volatile __typeof__(x) *)&(x))
/* Keeps the compiler from moving stores; the processor keeps their order (SDM 9.2.2). */
#define BARRIER() asm volatile("" : : : "memory")

#ifndef KEEPER
/* Where the stubs call.  All registers but the flags are kept: a caller in the same object may count on more
 * than the ABI promises (gcc -fipa-ra). */
asm(".text\n"
    "recorder_gate: .quad 0\n"
    ".globl recorder_before, recorder_after\n"
    "recorder_before:\n"
    "	endbr64\n"
    "	push %rax; push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10; push %r11\n"
    "	mov %rsp, %rdi\n"
    "	call before\n"
    "1:	pop %r11; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx; pop %rcx; pop %rax\n"
    "	ret\n"
    "recorder_after:\n"
    "	endbr64\n"
    "	push %rax; push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9; push %r10; push %r11\n"
    "	mov %rsp, %rdi\n"
    "	mov %rbp, %rsi\n"
    "	call after\n"
    "	jmp 1b\n");
#endif

#define GOLDEN 0x9E3779B97F4A7C15ul             /* 2^64 / golden ratio: mixes into the high bits */
#define SECOND_MIX 0xD6E8FEB86659FD93ul

/* A block's first word: address / 8 in the high 44 bits, stack in the low 20.  The second: tick of birth in
 * the high 31 bits, the flag that the monitor reported it, the size or its code in the low 32. */
#define STACK_MASK 0xFFFFFul
#define EXPIRED (1ul << 32)
#define BIRTH_SHIFT 33
#define TICK_MASK 0x7FFFFFFFul

typedef struct header header;
typedef struct block block;

struct walk {
	u64 pc, sp, fp, high;                   /* in: where it begins; the end of the stack */
	u64 own;                                /* in: it is the thread's own, mapped up to `high` for sure */
	u64 reached;                            /* the sp of the outermost frame that was found */
	u64 hash;
	u32 count, extras, span, top;           /* frames; of the layout, see there */
	u32 ending, nested, cacheable;
	u64 missing;                            /* the pc without a rule */
#ifdef KEEPER
	u64 shift;                              /* from the stack's address to that of a copy of it */
#endif
};

INLINE void add(u64 *counter, u64 n)
{
	asm volatile("lock addq %1, %0" : "+m"(*counter) : "er"(n) : "memory");
}

INLINE u64 fetch_add(u64 *counter, u64 n)
{
	asm volatile("lock xaddq %0, %1" : "+r"(n), "+m"(*counter) : : "memory");
	return n;
}

INLINE u64 swap_if(u64 *place, u64 old, u64 new)
{
	asm volatile("lock cmpxchgq %2, %1" : "+a"(old), "+m"(*place) : "r"(new) : "memory");
	return old;
}

INLINE int swap_block(block *b, u64 old0, u64 old1, u64 new0, u64 new1)
{
	int done;
	asm volatile("lock cmpxchg16b %1" : "=@ccz"(done), "+m"(*b), "+a"(old0), "+d"(old1)
		     : "b"(new0), "c"(new1) : "memory");
	return done;
}

/*
 * In the target h is the header.  The keeper is given a copy that the target cannot write to, with the
 * address of the tables in `base`: a word of the tables that the target has damaged must not lead the monitor
 * astray.
 */
#ifdef KEEPER
#define real(h) ((header *)(h)->base)
#else
#define real(h) (h)
#endif

INLINE void *at(header *h, u64 offset)
{
	return (char *)real(h) + offset;
}

/* A word of the stack that is walked. */
INLINE u64 word(struct walk *w, u64 address)
{
#ifdef KEEPER
	address += w->shift;
#endif
	return *(volatile u64 *)address;
}

INLINE u64 this_thread(void)
{
	u64 tcb;
	asm volatile("mov %%fs:0, %0" : "=r"(tcb));
	return tcb;
}

/* ---- counters ---- */

INLINE counters *row_of(header *h, u64 shard, u64 stack)
{
	return (counters *)at(h, h->counters_at) + shard * h->rows + stack;
}

INLINE u64 shard_of(u64 tcb)
{
	return tcb * GOLDEN >> (64 - SHARD_BITS);
}

/* The shards that more than one thread may count in. */
INLINE u64 common_shard(u64 tcb)
{
	return OWN_SHARDS + tcb * GOLDEN % COMMON_SHARDS;
}

RARE u64 new_shard(header *h, u64 tcb, u8 *place)
{
	u64 n = fetch_add(h->shards_next, 1);
	u64 shard = n < OWN_SHARDS ? n : common_shard(tcb);

	VOLATILE(*place) = shard + 1;
	return shard;
}

/*
 * Where a thread counts.  The first threads have a shard to themselves: a plain addition to memory is one
 * instruction, which a signal handler cannot split, and a third of the cost of a locked one.
 */
INLINE u64 shard_to_count_in(header *h, u64 tcb)
{
	u64 first = (tcb * GOLDEN >> 32 & h->threads_mask) * THREAD_BUCKET;
	thread *t = (thread *)at(h, h->threads_at) + first;
	u8 *shards = (u8 *)at(h, h->shards_at) + first;
	u32 i;

	for (i = 0; i < THREAD_BUCKET; i++)
		if (VOLATILE(t[i].tcb) == tcb) {
			u8 shard = VOLATILE(shards[i]);
			return likely(shard) ? shard - 1ul : new_shard(h, tcb, &shards[i]);
		}
	return common_shard(tcb);
}

INLINE void count(u64 *counter, u64 n, u64 shard)
{
	if (likely(shard < OWN_SHARDS))
		asm volatile("addq %1, %0" : "+m"(*counter) : "er"(n) : "memory");
	else
		add(counter, n);
}

RARE void raise(u32 *place, u32 value)
{
	u32 old = VOLATILE(*place);
	while (old < value) {
		u32 found = old;
		asm volatile("lock cmpxchgl %2, %1" : "+a"(found), "+m"(*place) : "r"(value) : "memory");
		if (found == old)
			return;
		old = found;
	}
}

INLINE void raise_to(u32 *place, u32 value)
{
	if (unlikely(VOLATILE(*place) < value))
		raise(place, value);
}

INLINE u64 size_of(header *h, u64 w1)
{
	u32 size = w1;
	return likely(size < LARGE_CODE) ? size : ((u64 *)at(h, h->large_at))[size - LARGE_CODE];
}

/* The block (w0, w1), taken out of the table, has been freed.  The count comes last: who sees it sees the
 * rest. */
NOINLINE void freed(header *h, u64 w0, u64 w1, u64 tcb)
{
	u64 stack = w0 & STACK_MASK, size = size_of(h, w1);
	u64 age = (VOLATILE(h->tick) - (w1 >> BIRTH_SHIFT)) & TICK_MASK;
	u64 shard = shard_to_count_in(h, tcb);
	counters *row = row_of(h, shard, stack);

	raise_to(&row->free_min, ~(u32)age);            /* kept as its complement: zero means none yet */
	if (age) {
		raise_to(&row->free_max, age);
		count(&row->free_total, age, shard);
	}
	if (unlikely(w1 & EXPIRED)) {
		stack_record *record = (stack_record *)at(h, h->stacks_at) + stack;
		u64 n = fetch_add(&record->free_expired, 1);
		if (n < LATE_AGES)
			VOLATILE(record->late_ages[n]) = age + 1;
		add(h->late_frees, 1);
	}
	count(&row->free_bytes, size, shard);
	count(&row->free, 1, shard);
}

/* ---- blocks ---- */

/* Of the first bucket.  Blocks near one another in memory are used at about the same time, so their records lie near
 * one another, too: a kilobyte of the program's goes to 64 buckets in a row, one for each 16 bytes. */
INLINE u64 first_hash(u64 key)
{
	u64 x = (key >> 7) * GOLDEN;
	return x ^ x >> 29;
}

INLINE u64 first_place(header *h, u32 level, u64 key)
{
	return (first_hash(key) >> 20 ^ (key >> 1 & 63)) & h->blocks_mask[level];
}

/* The same, for where it need not be fast. */
RARE u64 rarely_first_place(header *h, u32 level, u64 key)
{
	return first_place(h, level, key);
}

INLINE block *bucket_at(header *h, u32 level, u64 place)
{
	return (block *)at(h, h->blocks_at[level] + place * 64);
}

INLINE block *first_bucket(header *h, u32 level, u64 key)
{
	return bucket_at(h, level, first_place(h, level, key));
}

INLINE block *second_bucket(header *h, u32 level, u64 key)
{
	return bucket_at(h, level, key * SECOND_MIX >> 32 & h->blocks_mask[level]);
}

/* The place in its first bucket that a record is put in if it is empty, as it nearly always is: then it takes no more
 * than a look at one word to find it. */
INLINE block *best_place(header *h, u32 level, u64 key)
{
	return first_bucket(h, level, key) + (first_hash(key) >> 62);
}

/* How many records are not in this bucket, the first of their two, but in the second.  These counts lie behind
 * the level's buckets. */
INLINE unsigned short *spilled_of(header *h, u32 level, u64 place)
{
	u64 buckets = h->blocks_mask[level] + 1;
	return (unsigned short *)at(h, h->blocks_at[level] + buckets * 64) + place;
}

INLINE void spill(unsigned short *place, int n)
{
	asm volatile("lock addw %1, %0" : "+m"(*place) : "ir"((short)n) : "memory");
}

/* A bit for each record of a bucket that has this address; 0 for the address: that is empty.  Without branches: where
 * in a bucket it is cannot be foreseen. */
NOINLINE u32 places_in(block *b, u64 key)
{
	return (VOLATILE(b[0].w0) >> 20 == key) | (u32)(VOLATILE(b[1].w0) >> 20 == key) << 1
		| (u32)(VOLATILE(b[2].w0) >> 20 == key) << 2 | (u32)(VOLATILE(b[3].w0) >> 20 == key) << 3;
}

INLINE u32 how_many(u32 places)
{
	return 0x4332322132212110ul >> places * 4 & 7;
}

/* The record of an address in a level; 0: there is none.  *second: which of its buckets it is in. */
RARE block *find(header *h, u32 level, u64 key, int *second)
{
	u64 place = rarely_first_place(h, level, key);
	block *b = bucket_at(h, level, place);
	u32 found = places_in(b, key);

	*second = 0;
	if (!found && unlikely(VOLATILE(*spilled_of(h, level, place)))) {
		*second = 1;
		b = second_bucket(h, level, key);
		found = places_in(b, key);
	}
	return found ? b + __builtin_ctz(found) : 0;
}

/* Take the block at an address out, wherever it is: its words to out[], or 0. */
RARE int take_anywhere(header *h, u64 address, u64 *out)
{
	u64 key = address >> 3, w0, w1;
	u32 level;
	int second;
	block *b;

	if (unlikely(!key))                             /* the key of an empty place */
		return 0;
	for (level = h->levels; level-- > 0; ) {
		if (!level && likely(!VOLATILE(h->overflowed[0])))
			break;
		while ((b = find(h, level, key, &second))) {
			w0 = VOLATILE(b->w0);
			w1 = VOLATILE(b->w1);
			if (unlikely(w0 >> 20 != key || !swap_block(b, w0, w1, 0, 0)))
				continue;
			out[0] = w0;
			out[1] = w1;
			if (unlikely(second))
				spill(spilled_of(h, level, rarely_first_place(h, level, key)), -1);
			if (unlikely(!level))
				add(h->overflowed, -1ul);
			return w1 != 0;                         /* 0: somebody was thrown out of take() */
		}
	}
	return 0;
}

/*
 * Take the block at an address out: its words to out[], or 0.
 *
 * Two plain stores are enough, and need not wait for the line as a cmpxchg16b does: but for the thread that gives the
 * block back, nobody changes a record with its final stack but the monitor, which marks what it reports.  A mark
 * that it makes in between is lost together with the record, so nothing may be concluded from there being none
 * (keeper_sum() counts those that are left), and what may have to be put back is taken out by take_anywhere().  The
 * second word goes first: while the first one is there the place is not empty for anybody, and a record without a
 * second word is on its way out.
 */
INLINE int take(header *h, u64 address, u64 *out)
{
	u64 key = address >> 3, w0, w1;
	u32 level = VOLATILE(h->levels);
	block *b;

	while (--level) {
		b = best_place(h, level, key);
		w0 = VOLATILE(b->w0);
		w1 = VOLATILE(b->w1);
		if (likely(key && w0 >> 20 == key && (w0 & STACK_MASK) < h->pending_base && w1)) {
			VOLATILE(b->w1) = 0;
			VOLATILE(b->w0) = 0;
			out[0] = w0;
			out[1] = w1;
			return 1;
		}
	}
	return take_anywhere(h, address, out);
}

/* The record (w0, w1) is put in the place of one with the same address that is there already. */
RARE void replaced(header *h, u64 w0, u64 w1, u64 tcb)
{
	u64 stack = w0 & STACK_MASK;
	stack_record *record = (stack_record *)at(h, h->stacks_at) + stack;

	if (stack >= h->pending_base)
		add(&record->dropped, 1);
	else if (!(record->flags & NESTED) && stack && (record->ending < FIRST_CUT || record->count >= NEST_DEPTH)) {
		/* Somebody gave it back without our seeing it.  Of a stack cut short in its first frames nobody
		 * knows whether it was that of a call inside another. */
		add(h->missed_frees, 1);
		freed(h, w0, w1, tcb);
	} else
		add(h->replaced, 1);
}

/*
 * Put a record in, wherever there is room; 0: nowhere.  It goes into the newest level, into the first of its two
 * buckets while that holds one other at most, so that hardly ever more than one line of memory is looked at; else into
 * the emptier one, which keeps the other from filling up.  Where both are full it goes to level 0, small and empty
 * nearly always: then it is not looked at.  A second word without a first one is nobody's: two threads that free one
 * block, or a child forked by a signal handler inside take(), can leave it.
 */
RARE int put_anywhere(header *h, u64 w0, u64 w1, u64 tcb)
{
	u64 key = w0 >> 20, old0, old1, first;
	u32 level, levels, room, taken, other, overflow = 0;
	int second;
	block *b, *place;

	for (;;) {
		levels = VOLATILE(h->levels);
		for (level = levels; level-- > 0; ) {
			if (!level && !overflow && likely(!VOLATILE(h->overflowed[0])))
				break;
			while (unlikely((b = find(h, level, key, &second)) != 0)) {
				old0 = VOLATILE(b->w0);
				old1 = VOLATILE(b->w1);
				if (old0 >> 20 == key && swap_block(b, old0, old1, w0, w1)) {
					if (likely(old1))
						replaced(h, old0, old1, tcb);
					else                    /* thrown out of take(), see there */
						add(h->lost_blocks, 1);
					return 1;
				}
			}
		}
		level = overflow ? 0 : levels - 1;
		first = rarely_first_place(h, level, key);
		place = bucket_at(h, level, first);
		room = places_in(place, 0);
		taken = room ^ ((1 << BUCKET) - 1);
		second = 0;
		if (unlikely(taken & (taken - 1))) {            /* more than one */
			b = second_bucket(h, level, key);
			other = places_in(b, 0);
			if (how_many(other) > how_many(room)) {
				second = 1;
				place = b;
				room = other;
			}
		}
		if (unlikely(!room)) {
			if (overflow)
				return 0;
			overflow = 1;
			continue;
		}
		/* counted before it can be seen: who frees it has to find it */
		if (unlikely(overflow))
			add(h->overflowed, 1);
		if (unlikely(second))
			spill(spilled_of(h, level, first), 1);
		place += __builtin_ctz(room);
		if (likely(swap_block(place, 0, VOLATILE(place->w1), w0, w1)))
			return 1;
		if (unlikely(second))
			spill(spilled_of(h, level, first), -1);
		if (unlikely(overflow))
			add(h->overflowed, -1ul);
	}
}

/* There is no record of this address in a level for sure; 0: perhaps. */
INLINE int absent(header *h, u32 level, u64 key)
{
	u64 place = first_place(h, level, key);
	block *b = bucket_at(h, level, place);

	return VOLATILE(b[0].w0) >> 20 != key && VOLATILE(b[1].w0) >> 20 != key && VOLATILE(b[2].w0) >> 20 != key
		&& VOLATILE(b[3].w0) >> 20 != key && !VOLATILE(*spilled_of(h, level, place));
}

/* Put a record in; 0: no room.  place: the best for it, in the level that is the newest or was a moment ago. */
INLINE int put(header *h, block *place, u64 w0, u64 w1, u64 tcb)
{
	u64 key = w0 >> 20;
	u32 level = VOLATILE(h->levels) - 1, last = !VOLATILE(h->overflowed[0]);

	do
		if (unlikely(!absent(h, level, key)))
			goto look;
	while (level-- > last);
	if (likely(!VOLATILE(place->w0) && swap_block(place, 0, 0, w0, w1)))
		return 1;
look:
	return put_anywhere(h, w0, w1, tcb);
}

/* ---- stacks ---- */

/*
 * The end of the stack that sp is on, as far as it is known to be mapped.  *own: it is the thread's own, of
 * which nothing is unmapped while the thread lives; of others it may be.
 */
NOINLINE u64 end_of_stack(header *h, u64 tcb, u64 sp, u64 *own)
{
	thread *t = (thread *)at(h, h->threads_at) + (tcb * GOLDEN >> 32 & h->threads_mask) * THREAD_BUCKET;
	u64 first = 0;
	u32 i, k;

	*own = 0;
	for (i = 0; i < THREAD_BUCKET; i++, t++) {
		u64 owner = VOLATILE(t->tcb);
		if (!owner)
			owner = swap_if(&t->tcb, 0, tcb) ?: tcb;
		if (owner != tcb)
			continue;
		for (k = 0; k < THREAD_RANGES; k++) {
			/* the monitor changes a range by high = 0, low = new, high = new; the first is the
			 * thread's own */
			u64 high = VOLATILE(t->high[k]), low = VOLATILE(t->low[k]);
			if (!k)
				first = high;
			if (sp >= low && sp < high && likely(VOLATILE(t->high[k]) == high)) {
				*own = !k;
				return high;
			}
		}
		if (VOLATILE(t->asked) != sp) {
			VOLATILE(t->asked) = sp;
			VOLATILE(h->asked[0]) = 1;
			VOLATILE(h->attention[0]) = 1;
		}
		goto unknown;
	}
	add(h->lost_threads, 1);
unknown:
	/* C libraries put the TCB at the upper end of a new thread's stack, which is never smaller than `trust`.
	 * The first thread's lies elsewhere, but its stack is known from the start; so whoever has a known
	 * stack is on another one here. */
	if (!first && tcb - sp <= h->trust) {
		*own = 1;
		return tcb & -8ul;
	}
	/* else sp's own page is all that is sure */
	add(h->unknown_stacks + shard_of(tcb) * 8, 1);
	return (sp | 4095) + 1;
}

NOINLINE u32 rule_of(header *h, u64 key)
{
	u64 *rules = at(h, h->rules_at), mask = h->rules_mask, entry;
	u64 position = key * GOLDEN >> h->rules_shift;
	u32 i;

	for (i = 0; i < RULE_PROBES; i++) {
		entry = VOLATILE(rules[position]);
		if (likely(entry >> 16 == key))
			return entry & 0xFFFF;
		if (!entry)
			break;
		position = (position + 1) & mask;
	}
	return RULE_UNKNOWN;
}

INLINE u64 mix(u64 hash, u64 value)
{
	hash = ((hash << 23 | hash >> 41) ^ value) * GOLDEN;
	return hash;
}

INLINE u64 finish(u64 hash, u32 count, u32 ending)
{
	hash ^= hash >> 32 ^ (u64)count << 8 ^ ending;
	hash *= SECOND_MIX;
	return hash ^ hash >> 29;
}

INLINE u64 start_of(u64 hook)
{
	return (hook & HOOK_MASK) * SECOND_MIX + 1;
}

/*
 * Walk.  frames: also write the frames there, w->count of them at most.  l: also write there what it takes to
 * find the same stack again without walking, w->count and w->extras at most.
 *
 * A layout: where each return address lay (words from the first one; `top`: one that must be zero, 0: none), and
 * where each fp that mattered lay (FP_REGISTER: it was in the register yet) and pointed.  These are all the words of
 * memory that the walk depends on, so where they are the same, so is the stack: 30 compares that do not wait for one
 * another in place of 30 steps that do.
 */
#define FP_REGISTER 0xFFFFFFFFul

RARE void walk(header *h, u64 hook, struct walk *w, u64 *frames, layout *l)
{
	u64 pc = w->pc, sp = w->sp, fp = w->fp, base = w->sp, span = w->high - w->sp, fp_at = 0;
	u64 key = pc, hash = start_of(hook), exact = 0;
	u32 *where = l ? l->where : 0, *extra = where + w->count, most = w->extras;
	u32 count = 0, limit = frames || l ? w->count : h->limit, extras = 0, whole_limit = h->limit;
	u32 rule, kind, slot, top = 0;
	u64 offset, cfa;

	w->nested = 0;
	w->cacheable = 1;
	for (;;) {
		if (unlikely(pc >> 47 || count == limit)) {
			w->ending = NO_RULES;
			break;
		}
		if (frames)
			frames[count] = pc | exact << 16;
		if (where)
			where[count] = (sp - base) >> 3;
		hash = mix(hash, pc | exact << 16);
		count++;
		rule = rule_of(h, key);
		if (unlikely(rule == RULE_END)) {
			w->ending = END;
			break;
		}
		if (unlikely(rule == RULE_CUT)) {
			w->ending = CUT;
			break;
		}
		if (unlikely(count == whole_limit && rule != RULE_UNKNOWN)) {
			w->ending = LIMIT;
			break;
		}
		kind = rule & 3;
		if (likely(kind < KIND_LONG)) {
			offset = rule >> 6 << 3;
			slot = rule >> 2 & 15;
		} else if (kind == KIND_LONG) {
			u64 wide = ((u64 *)at(h, h->palette_at))[(rule >> 2) % PALETTE_SIZE];
			offset = (u64)(long)(int)wide;
			slot = wide >> 32 & 0xFFFF;
			kind = wide >> 48 & 7;
			w->nested |= wide >> 56;
		} else {
			w->ending = rule == RULE_UNKNOWN ? NO_RULES : COMPLEX;
			w->missing = key;
			break;
		}
		exact = 0;
		if (likely(kind == KIND_SP))
			cfa = sp + offset;
		else if (likely(kind != KIND_SIGNAL)) {
			if (fp_at || !extras) {                 /* else it is what it was */
				u64 place = FP_REGISTER;
				if (fp_at) {
					fp = word(w, fp_at);
					place = (fp_at - base) >> 3;
					fp_at = 0;
				}
				if (where && extras < most) {
					*extra++ = place;
					*extra++ = (fp - base) >> 3;
				}
				extras++;
			}
			cfa = fp + offset;
			if (unlikely(kind == KIND_DEREF)) {
				u64 pointer = cfa;
				if (pointer - base >= span || pointer & 7 || (cfa = word(w, pointer)) <= pointer) {
					w->ending = MEMORY;
					break;
				}
				if (where && extras < most) {
					*extra++ = (pointer - base) >> 3;
					*extra++ = (cfa - base) >> 3;
				}
				extras++;
			}
		} else {
			/* a signal handler's return: sp points to the ucontext, uc_mcontext is at 40 in it */
			u64 context = sp + 40, low = sp;
			if (sp - base >= span || span - (sp - base) < 40 + 17 * 8) {
				w->ending = MEMORY;
				break;
			}
			fp = word(w, context + 10 * 8);
			fp_at = 0;
			sp = word(w, context + 15 * 8);
			pc = word(w, context + 16 * 8);
			/* the handler may have a stack of its own */
			w->cacheable = 0;
			if (sp & 7 || !pc) {
				w->ending = COMPLEX;
				break;
			}
			if (sp - base >= span || sp <= low) {
#ifdef KEEPER
				w->ending = COMPLEX;            /* another stack, of which there is no copy */
				break;
#endif
				u64 tcb = this_thread();
				base = sp;
				span = end_of_stack(h, tcb, sp, &w->own) - sp;
				if (count > 1 && sp <= low && sp + span > low) {
					w->ending = LOOP;
					break;
				}
			}
			exact = 1ul << 47;
			key = pc | exact;
			continue;
		}
		if (unlikely(cfa - base > span || cfa <= sp || cfa & 7)) {
			w->ending = cfa <= sp ? LOOP : MEMORY;
			break;
		}
		if (slot) {
			fp_at = cfa - 8 - 8 * (u64)slot;
			if (unlikely(fp_at - base >= span)) {
				w->ending = MEMORY;
				break;
			}
		}
		sp = cfa;
		key = pc = word(w, cfa - 8);
		if (unlikely(!pc)) {
			/* a return address of zero is where stacks end; the zero is compared too */
			top = (sp - base) >> 3;
			w->ending = END;
			break;
		}
	}
	w->count = count;
	w->reached = sp;
	w->top = top;
	w->extras = extras;
	w->span = (sp - base) >> 3;
	w->hash = finish(hash, count, w->ending);
}

NOINLINE u64 find_stack(header *h, u64 hash, u64 **place)
{
	u64 *index = at(h, h->index_at), mask = h->index_mask, position = hash & mask, entry;
	u32 i;

	for (i = 0; i < INDEX_PROBES; i++) {
		entry = VOLATILE(index[position]);
		*place = &index[position];
		if (!entry)
			return 0;
		if (!((entry ^ hash) >> 20))
			return entry & STACK_MASK;
		position = (position + 1) & mask;
	}
	*place = 0;
	return 0;
}

/* The offset of so many words in the pool of frames; 0 when it is full. */
INLINE u64 reserve_words(header *h, u64 words)
{
	u64 limit = h->frames_limit - words, offset;

	if (words > h->frames_limit || VOLATILE(real(h)->frames_next[0]) > limit)
		return 0;
	offset = fetch_add(real(h)->frames_next, words);
	return offset <= limit ? offset : 0;
}

/* Number and room for a stack not seen before; 0 when there is none. */
INLINE u64 reserve(header *h, u64 words, u64 *offset)
{
	u64 number;

	if (VOLATILE(real(h)->stacks_next[0]) >= h->stacks_limit)
		return 0;
	*offset = reserve_words(h, words);
	if (!*offset)
		return 0;
	number = fetch_add(real(h)->stacks_next, 1);
	return number < h->stacks_limit ? number : 0;
}

INLINE int pending_ending(u32 ending)
{
	return ending == NO_RULES || ending == COMPLEX;
}

#define WALK_AGAIN (~0ul)
#define WALK_TRIES 4

RARE u64 new_stack(header *h, u64 hook, struct walk *w, u64 *place)
{
	u64 number, found, offset, *frames;
	stack_record *record;
	struct walk again = *w;

	number = reserve(h, w->count, &offset);
	if (!number)
		return 0;
	frames = (u64 *)at(h, h->frames_at) + offset;
	walk(h, hook, &again, frames, 0);
	if (again.hash != w->hash) {
		/* a rule was learned just now */
		add(h->wasted, 1);
		return WALK_AGAIN;
	}
	record = (stack_record *)at(h, h->stacks_at) + number;
	record->hash = w->hash;
	record->frames = offset;
	record->count = w->count;
	record->ending = w->ending;
	record->hook = hook & HOOK_MASK;
	record->flags = w->nested ? NESTED : 0;
	for (;;) {
		found = swap_if(place, 0, (w->hash & ~STACK_MASK) | number);
		if (!found)
			return number;
		found = find_stack(h, w->hash, &place);
		if (found || !place) {
			add(h->wasted, 1);
			return found;
		}
	}
}

/* The number of a stack: its record is written, then published by one compare-and-swap.  0: no room;
 * WALK_AGAIN: the rules have changed since the walk. */
INLINE u64 stack_number(header *h, u64 hook, struct walk *w)
{
	u64 *place, number = find_stack(h, w->hash, &place);

	if (likely(number) || !place)
		return number;
	return new_stack(h, hook, w, place);
}

#ifndef KEEPER

struct frame {
	u64 r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax;
	u64 return_to_stub, hook;
	u64 rest[];             /* rdi, rsi, rdx of the call; with HOOK_BOTH two words of ours; the return address */
};

/* The tables, or 0 where nothing is to be noted: switched off, or in a forked child, where the gate is wiped.
 * */
INLINE header *tables(void)
{
	u64 *gate;
	header *h;

	asm("mov recorder_gate(%%rip), %0" : "=r"(gate));
	h = (header *)VOLATILE(*gate);
	return h && VOLATILE(h->state) ? h : 0;
}

/* free is about to run, or realloc: the block is taken out now, as another thread may be given its address at
 * once. */
static __attribute__((used)) void before(struct frame *f)
{
	header *h = tables();
	u64 address = f->rdi, record[2];

	if (!h || !address || VOLATILE(h->state) != STATE_ON)
		return;
	if (!(f->hook & HOOK_BOTH ? take_anywhere(h, address, record) : take(h, address, record))) {
		add(h->unknown_frees + shard_of(this_thread()) * 8, 1);
		return;
	}
	if (f->hook & HOOK_BOTH) {                      /* the stub has put zeros there */
		f->rest[3] = record[0];
		f->rest[4] = record[1];
	} else
		freed(h, record[0], record[1], this_thread());
}

/* The monitor looks for what is new only where this says so. */
INLINE void call_attention(header *h)
{
	VOLATILE(h->attention[0]) = 1;
}

/* The number of this processor, as the kernel keeps it in the limit of a segment (Linux
 * arch/x86/include/asm/segment.h, vdso_read_cpunode()); all ones where it does not. */
INLINE u64 this_cpu(void)
{
	u32 limit;
	int known;
	asm volatile("lsl %2, %0" : "=r"(limit), "=@ccz"(known) : "r"(15 * 8 + 3));
	return known ? limit & 0xfff : -1ul;
}

/*
 * No slot is free.  Wait a little for the monitor, which then knows the rule or has emptied one, but not on
 * the processor that it needs, and no more than so many rounds in a process's life.  0: no use.
 */
RARE int wait_for_monitor(header *h, struct walk *w)
{
	pending *p = (pending *)at(h, h->pending_at) + (w->hash >> 20 & h->pending_mask);
	u64 rounds, left = VOLATILE(h->waits[0]);
	int better = 0;

	if ((long)left <= 0 || this_cpu() == VOLATILE(h->cpu))
		return 0;
	call_attention(h);
	for (rounds = 0; rounds < WAIT_ROUNDS && !better; rounds++) {
		__builtin_ia32_pause();
		better = rule_of(h, w->missing) != RULE_UNKNOWN || !VOLATILE(p->state);
	}
	add(h->waits, -rounds);
	return better;
}

/* A stack that could not be walked to its end is copied for the monitor to finish; -> its provisional number.
 * */
RARE u64 claim(header *h, u64 hook, struct walk *w, pending **slot)
{
	pending *p;
	u64 i, number, length = w->high - w->sp, *from, *to, words;

	VOLATILE(((u64 *)at(h, h->missed_at))[w->missing * GOLDEN >> (64 - MISSED_BITS)]) = w->missing;
	number = w->hash >> 20;
	for (i = 0; i < PENDING_WAYS; i++, number++) {
		number &= h->pending_mask;
		p = (pending *)at(h, h->pending_at) + number;
		if (!VOLATILE(p->state) && !swap_if(&p->state, PENDING_FREE, PENDING_BUSY))
			goto found;
	}
	return 0;
found:
	/* of a stack that is not the thread's own, what lies behind the frames found may be unmapped by now */
	if (!w->own && w->reached - w->sp < length)
		length = (w->reached | 4095) + 1 - w->sp;
	if (length > w->high - w->sp)
		length = w->high - w->sp;
	if (length > PENDING_BYTES)
		length = PENDING_BYTES;
	p->hook = hook & HOOK_MASK;
	p->pc = w->pc;
	p->sp = w->sp;
	p->fp = w->fp;
	p->missing = w->missing;
	p->high = w->high;
	p->length = length & -8ul;
	words = length >> 3;
	from = (u64 *)w->sp;
	to = (u64 *)p->stack;
	asm volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(words) : : "memory");
	*slot = p;
	return h->pending_base + number;
}

RARE u64 large_size(header *h, u64 size)
{
	u64 *large = at(h, h->large_at), i, found;

	for (i = 0; i < LARGE_PROBES; i++) {
		u64 position = ((size * GOLDEN >> 40) + i) % LARGE_SIZES;
		found = VOLATILE(large[position]);
		if (!found)
			found = swap_if(&large[position], 0, size) ?: size;
		if (found == size)
			return LARGE_CODE + position;
	}
	add(h->lost_sizes, 1);
	return LARGE_CODE - 1;
}

/* Note where the words of a stack lay, to find it again without walking.  0: not to be had. */
RARE u64 learn_layout(header *h, stack_record *record, u64 hook, u64 generation, struct walk *w)
{
	u64 words = (sizeof(layout) + 4ul * w->count + 8ul * w->extras + 7) / 8, *pool = at(h, h->frames_at);
	u64 current = VOLATILE(record->generation) == generation, known = VOLATILE(record->layout), offset, i;
	struct walk again = *w;
	layout *l;

	/* `generation` is written after `layout`, so it is read before */
	if (known && current)
		return known;
	offset = reserve_words(h, words);
	if (!offset)
		return 0;
	l = (layout *)(pool + offset);
	pool[offset + words - 1] = 0;
	walk(h, hook, &again, 0, l);
	if (again.hash != w->hash || again.count != w->count || again.extras != w->extras)
		return 0;
	l->count = again.count;
	l->extras = again.extras;
	l->span = again.span;
	l->top = again.top;
	l->hook = hook & HOOK_MASK;
	l->frames = record->frames;
	BARRIER();
	/* mostly the rules have changed elsewhere: then the one there is will do */
	for (i = 0; i < words && pool[known + i] == pool[offset + i]; i++)
		;
	if (i == words) {
		swap_if(real(h)->frames_next, offset + words, offset);
		offset = known;
	} else
		VOLATILE(record->layout) = offset;
	VOLATILE(record->generation) = generation;
	return offset;
}

/* Is the stack as it was when this layout was noted?  If not, *key becomes that of what was found in the first
 * place that differs: up to there the layout holds, so it says on which branch of the tree of stacks to go on. */
INLINE int same_stack(u64 *pool, layout *l, u64 hook, struct walk *w, u64 *key)
{
	u64 *frames = pool + l->frames, *sp = (u64 *)w->sp, *at = sp - 1, found;
	u32 i = 0, n = l->count, *where = l->where, *end;

	if (unlikely((w->high - w->sp) >> 3 < l->span || l->hook != (hook & HOOK_MASK))) {
		*key = mix(*key, hook);
		return 0;
	}
	do {
		found = VOLATILE(at[where[i]]);
		if (found != frames[i])
			goto differs;
	} while (++i < n);
	if (l->top) {
		found = VOLATILE(at[l->top]);
		if (found)
			goto differs;
	}
	where += n;
	end = where + l->extras * 2;
	if (where != end && where[0] == FP_REGISTER) {          /* only the first can be */
		found = w->fp;
		if (found != (u64)(sp + where[1]))
			goto differs;
		where += 2;
	}
	for (; where != end; where += 2) {
		found = VOLATILE(sp[where[0]]);
		if (found != (u64)(sp + where[1]))
			goto differs;
	}
	return 1;
differs:
	*key = mix(*key, found + i);
	return 0;
}

/* The number of a stack that is not one of those remembered (0: none can be had), after which it is.  last: the one
 * looked at last; cached: where it is to be noted; *waiting: set where the number is a provisional one. */
RARE u64 not_recalled(header *h, u64 hook, struct walk *w, u64 last, u64 *cached, pending **waiting)
{
	u64 stack, offset, generation = VOLATILE(h->generation);        /* before the rules are looked at */
	int learning = VOLATILE(h->state) != STATE_ON;
	u32 tries;

	for (tries = 0; ; tries++) {
		walk(h, hook, w, 0, 0);
		stack = 0;
		if (pending_ending(w->ending)) {
			stack = claim(h, hook, w, waiting);
			if (stack)
				return stack;
			if (tries < WALK_TRIES && wait_for_monitor(h, w))
				continue;
		}
		stack = learning && w->ending >= FIRST_CUT ? 0 : stack_number(h, hook, w);
		if (stack != WALK_AGAIN)
			break;
		stack = 0;
		if (tries == WALK_TRIES)
			break;
	}
	if (w->ending >= FIRST_CUT)
		add(h->cut + shard_of(this_thread()) * 8, !learning);
	/* last: the same frames, laid out otherwise */
	if ((w->ending < FIRST_CUT || w->ending == CUT) && stack && stack != last && w->cacheable) {
		offset = learn_layout(h, (stack_record *)at(h, h->stacks_at) + stack, hook, generation, w);
		if (offset)
			VOLATILE(*cached) = stack | offset << 20 | generation << 52;
	}
	if (!stack && !learning)
		add(h->lost_stacks, 1);
	return stack;
}

/* An allocating function has returned. */
static __attribute__((used)) FAST void after(struct frame *f, u64 fp)
{
	header *h = tables();
	u64 hook = f->hook, result = f->rax, size, tcb, *ret, w1;
	u64 stack, last = 0, generation, key, entry, *cached, *pool;
	u32 part = hook >> HOOK_SIZE_SHIFT & 3;
	struct walk w;
	pending *waiting = 0;
	block *place;
	u32 tries;
	int learning;

	if (!h)
		return;
	learning = VOLATILE(h->state) != STATE_ON;
	if (hook & HOOK_THROUGH)
		result = (u32)result ? 0 : *(u64 *)f->rest[0];
	size = f->rest[part];
	if (hook & HOOK_PRODUCT)
		size *= f->rest[part + 1];
	if (hook & HOOK_RESIZES)
		result = result >= size ? f->rest[0] : 0;
	tcb = this_thread();
	ret = &f->rest[3];
	if (hook & HOOK_BOTH) {
		if (f->rest[3]) {
			if (!result && size) {
				if (!put_anywhere(h, f->rest[3], f->rest[4], tcb))
					add(h->lost_blocks, 1);
			} else
				freed(h, f->rest[3], f->rest[4], tcb);
		}
		ret += 2;
	}
	if (!result) {
		if (!learning && (size || !(hook & HOOK_BOTH)))
			add(h->failed, 1);
		return;
	}
	if (unlikely(result & 7 || result >> 47)) {
		if (!learning)
			add(h->lost_blocks, 1);
		return;
	}
	generation = VOLATILE(h->generation);
	place = best_place(h, VOLATILE(h->levels) - 1, result >> 3);
	__builtin_prefetch(place, 1);
	w.pc = *ret;
	w.sp = (u64)(ret + 1);
	w.fp = fp;
	w.high = end_of_stack(h, tcb, w.sp, &w.own);
	key = (w.sp * SECOND_MIX ^ w.pc) * GOLDEN;
	for (tries = 0; tries < CACHE_TRIES; tries++) {
		cached = (u64 *)at(h, h->cache_at) + (key >> (64 - CACHE_BITS));
		entry = VOLATILE(*cached);
		if (unlikely((entry >> 52 ^ generation) & 0xFFF))
			break;
		last = stack = entry & STACK_MASK;
		pool = at(h, h->frames_at);
		if (same_stack(pool, (layout *)(pool + (u32)(entry >> 20)), hook, &w, &key))
			goto found;
	}
	stack = not_recalled(h, hook, &w, last, cached, &waiting);
found:
	if (unlikely(learning)) {
		/* what is not known yet is asked for, nothing is noted */
		if (waiting) {
			waiting->address = 0;
			goto ask;
		}
		return;
	}
	w1 = VOLATILE(h->tick) << BIRTH_SHIFT | (likely(size < LARGE_CODE) ? size : large_size(h, size));
	if (unlikely(!put(h, place, result >> 3 << 20 | stack, w1, tcb))) {
		add(h->lost_blocks, 1);
		if (waiting)
			waiting->address = 0;
	} else if (unlikely(waiting))
		waiting->address = result;
	if (unlikely(waiting)) {
ask:
		BARRIER();
		VOLATILE(waiting->state) = PENDING_FULL;
		call_attention(h);
	}
}

#else

/*
 * What the monitor calls, in its own process, on its own mapping of the tables.  Nothing here trusts a word
 * that the target could have written to lead outside of the tables.
 */

/* Mark and list blocks at least `threshold` ticks old, from a position on, `units` buckets at most.  -> the
 * position to go on from.  out: 4 words each: address, size, stack, birth; found[0]: how many, room for at most
 * `room`; found[1]: blocks alive on the way. */
u64 keeper_scan(header *h, u64 level, u64 position, u64 units, u64 threshold, u64 *out, u64 room, u64 *found)
{
	u64 tick = real(h)->tick, buckets = h->blocks_mask[level] + 1, n = 0, alive = 0, w0, w1;
	u64 end = units < buckets - position ? position + units : buckets;
	block *b = (block *)at(h, h->blocks_at[level]) + position * BUCKET;
	u32 i;

	for (; position < end && n + BUCKET <= room; position++)
		for (i = 0; i < BUCKET; i++, b++) {
			w1 = VOLATILE(b->w1);
			alive += w1 != 0;
			if (likely(!w1 || w1 & EXPIRED || ((tick - (w1 >> BIRTH_SHIFT)) & TICK_MASK) < threshold))
				continue;
			w0 = VOLATILE(b->w0);
			if (!w0 || (w0 & STACK_MASK) >= h->pending_base)
				continue;
			if (!swap_block(b, w0, w1, w0, w1 | EXPIRED))
				continue;
			out[0] = w0 >> 20 << 3;
			out[1] = size_of(h, w1);
			out[2] = w0 & STACK_MASK;
			out[3] = w1 >> BIRTH_SHIFT;
			out += 4;
			n++;
		}
	found[0] = n;
	found[1] = alive;
	return position;
}

/* Figures of all stacks: for each row SUM_WORDS words: live, live bytes, age of the oldest (all ones: none), free, free
 * bytes, total ticks, ~min, max, reported as expired and still there, their bytes.  Exact when no thread is inside the
 * recorder. */
u64 keeper_sum(header *h, u64 *out, u64 rows)
{
	u64 level, i, shard, live = 0, tick = real(h)->tick;

	for (i = 0; i < rows * SUM_WORDS; i++)
		out[i] = i % SUM_WORDS == 2 ? -1ul : 0;
	for (i = 0; i < h->rows; i++) {
		/* what waits to be settled counts for the stack without a number */
		u64 *o = out + (i < rows ? i * SUM_WORDS : 0);
		if (i >= rows && i < h->pending_base)
			continue;
		for (shard = 0; shard < 1ul << SHARD_BITS; shard++) {
			counters *row = row_of(h, shard, i);
			o[3] += row->free;
			o[4] += row->free_bytes;
			o[5] += row->free_total;
			if (row->free_min > o[6])
				o[6] = row->free_min;
			if (row->free_max > o[7])
				o[7] = row->free_max;
		}
	}
	for (level = 0; level < h->levels; level++) {
		block *b = (block *)at(h, h->blocks_at[level]);
		block *end = b + (h->blocks_mask[level] + 1) * BUCKET;
		for (; b < end; b++) {
			u64 w1 = VOLATILE(b->w1), w0 = VOLATILE(b->w0), *o, age;
			if (!w0 || !w1)
				continue;
			live++;
			o = out + ((w0 & STACK_MASK) < rows ? (w0 & STACK_MASK) * SUM_WORDS : 0);
			o[0]++;
			o[1] += size_of(h, w1);
			if (w1 & EXPIRED) {
				o[8]++;
				o[9] += size_of(h, w1);
			}
			age = (tick - (w1 >> BIRTH_SHIFT)) & TICK_MASK;
			if (o[2] == -1ul || age > o[2])
				o[2] = age;
		}
	}
	return live;
}

/* -> blocks in the table; their bytes to *bytes, frees noted so far to *frees. */
u64 keeper_count(header *h, u64 *bytes, u64 *frees)
{
	u64 level, live = 0, sum = 0, i, n = 0, rows = VOLATILE(real(h)->stacks_next[0]), shard;

	for (level = 0; level < h->levels; level++) {
		block *b = (block *)at(h, h->blocks_at[level]);
		block *end = b + (h->blocks_mask[level] + 1) * BUCKET;
		for (; b < end; b++) {
			u64 w1 = VOLATILE(b->w1);
			if (w1 && VOLATILE(b->w0)) {
				live++;
				sum += size_of(h, w1);
			}
		}
	}
	if (rows > h->stacks_limit)
		rows = h->stacks_limit;
	for (shard = 0; shard < 1ul << SHARD_BITS; shard++)
		for (i = 0; i < rows; i++)
			n += row_of(h, shard, i)->free;
	*bytes = sum;
	*frees = n;
	return live;
}

/* The number of a stack that the monitor has walked; 0: no room. */
u64 keeper_stack(header *h, u64 hook, u64 *addresses, u64 count, u64 ending, u64 nested)
{
	u64 hash = start_of(hook), number, offset, *place, *frames, i, found;
	stack_record *record;

	for (i = 0; i < count; i++)
		hash = mix(hash, addresses[i]);
	hash = finish(hash, count, ending);
	number = find_stack(h, hash, &place);
	if (number || !place)
		return number < h->stacks_limit ? number : 0;
	number = reserve(h, count, &offset);
	if (!number)
		return 0;
	frames = (u64 *)at(h, h->frames_at) + offset;
	for (i = 0; i < count; i++)
		frames[i] = addresses[i];
	record = (stack_record *)at(h, h->stacks_at) + number;
	record->hash = hash;
	record->frames = offset;
	record->count = count;
	record->ending = ending;
	record->hook = hook & HOOK_MASK;
	record->flags = nested ? NESTED : 0;
	for (;;) {
		if (!swap_if(place, 0, (hash & ~STACK_MASK) | number))
			return number;
		found = find_stack(h, hash, &place);
		if (found || !place)
			return found < h->stacks_limit ? found : 0;
	}
}

/* A pending stack is known now: its block, or what its free has counted, goes to the stack `number`, and the
 * slot is free again.  0: the block is in neither place at this moment, try again. */
u64 keeper_settle(header *h, u64 slot, u64 number)
{
	pending *p = (pending *)at(h, h->pending_at) + slot;
	u64 provisional = h->pending_base + slot, key = p->address >> 3, count = 0, shard;
	stack_record *record = (stack_record *)at(h, h->stacks_at) + provisional;
	u32 level, which, i;

	if (!key)
		goto done;
	for (level = 0; level < h->levels; level++)
		for (which = 0; which < 2; which++) {
			block *b = which ? second_bucket(h, level, key) : first_bucket(h, level, key);
			for (i = 0; i < BUCKET; i++, b++) {
				u64 w0 = VOLATILE(b->w0), w1 = VOLATILE(b->w1);
				if (w0 == (key << 20 | provisional)
				    && swap_block(b, w0, w1, key << 20 | number, w1))
					goto done;
			}
		}
	count = VOLATILE(record->dropped);
	for (shard = 0; shard < 1ul << SHARD_BITS; shard++)
		count += VOLATILE(row_of(h, shard, provisional)->free);
	if (!count)
		return 0;
	for (shard = 0; shard < 1ul << SHARD_BITS; shard++) {
		/* not where a thread counts without a lock */
		counters *from = row_of(h, shard, provisional);
		counters *to = row_of(h, shard < OWN_SHARDS ? OWN_SHARDS : shard, number);
		if (!from->free)
			continue;
		raise_to(&to->free_min, from->free_min);
		raise_to(&to->free_max, from->free_max);
		add(&to->free_total, from->free_total);
		add(&to->free_bytes, from->free_bytes);
		add(&to->free, from->free);
		from->free_min = from->free_max = 0;
		from->free = from->free_bytes = from->free_total = 0;
	}
done:
	record->dropped = 0;
	BARRIER();
	VOLATILE(p->state) = PENDING_FREE;
	return 1;
}

/*
 * Finish a pending stack by the rules that are known by now -> its number; 0: that takes the monitor's
 * unwinder.  *settled: 0 if the block is in neither place at this moment, see keeper_settle.
 */
u64 keeper_finish(header *h, u64 slot, u64 *settled)
{
	pending *p = (pending *)at(h, h->pending_at) + slot;
	u64 length = p->length, number;
	struct walk w;

	if (VOLATILE(p->state) != PENDING_FULL)
		return 0;
	if (length > PENDING_BYTES)
		length = PENDING_BYTES;
	w.pc = p->pc;
	w.sp = p->sp & -8ul;
	w.fp = p->fp;
	w.high = w.sp + (length & -8ul);
	w.shift = (u64)p->stack - w.sp;
	walk(h, p->hook, &w, 0, 0);
	if (w.ending >= FIRST_CUT)
		return 0;
	number = stack_number(h, p->hook, &w);
	if (!number || number == WALK_AGAIN || number >= h->stacks_limit)
		return 0;
	*settled = keeper_settle(h, slot, number);
	return number;
}

/* Set the rule of a key (a pc, with bit 47 if it is exact): 0 where its place in the table is full; 2:
 * another rule is replaced, which stacks were walked by. */
u64 keeper_teach(header *h, u64 key, u64 rule)
{
	u64 *rules = at(h, h->rules_at), mask = h->rules_mask, position = key * GOLDEN >> h->rules_shift, i;

	u64 unused = -1ul;

	for (i = 0; i < RULE_PROBES; i++, position = (position + 1) & mask) {
		u64 old = rules[position] & 0xFFFF;
		if (!rules[position] || rules[position] >> 16 == key) {
			int known = rules[position] && old != RULE_UNKNOWN && old != RULE_COMPLEX;
			if (!rules[position] && unused != -1ul)
				break;
			VOLATILE(rules[position]) = key << 16 | rule;
			return known && old != rule ? 2 : 1;
		}
		if (old == RULE_UNKNOWN && unused == -1ul)
			unused = position;              /* of code that is gone */
	}
	if (unused == -1ul)
		return 0;
	VOLATILE(rules[unused]) = key << 16 | rule;
	return 1;
}

/* Forget the rules of pcs in [start, end): the keys stay, to be taught again.  -> how many. */
u64 keeper_forget(header *h, u64 start, u64 end)
{
	u64 *rules = at(h, h->rules_at), i, n = 0;

	for (i = 0; i <= h->rules_mask; i++) {
		u64 pc = rules[i] >> 16 & ~(1ul << 47);
		if (pc && start <= pc && pc < end && (rules[i] & 0xFFFF) != RULE_UNKNOWN) {
			VOLATILE(rules[i]) = rules[i] | RULE_UNKNOWN;
			n++;
		}
	}
	return n;
}

/*
 * The loop of the trap engine, Linux only: waits for traps of the target's threads and does what is simple about them;
 * everything else it leaves to Python, before anything is changed.  A thread's registers are in l->registers then.
 *
 * The tables are those of monitor.BlockTable; monitor.py says what they mean.
 */

#define SYS_PREAD 17
#define SYS_WAIT4 61
#define SYS_PTRACE 101
#define PTRACE_CONT 7
#define PTRACE_GETREGS 12
#define PTRACE_GETSIGINFO 0x4202
#define PTRACE_GETSIGMASK 0x420A
#define WALL 0x40000000
#define WNOHANG 1
#define TRAP_STATUS (5 << 8 | 0x7f)
#define SI_KERNEL 0x80
#define ECHILD 10

INLINE long call4(long number, u64 a, u64 b, u64 c, u64 d)
{
	register u64 r10 asm("r10") = d;
	asm volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return number;
}

INLINE u64 now_of(loop *l)
{
	u64 time[2];
	((int (*)(u64, u64 *))l->clock)(1, time);               /* clock_gettime(CLOCK_MONOTONIC) */
	return time[0] * 1000000000 + time[1];
}

/* The first and the third number of /proc/PID/task/TID/schedstat: nanoseconds run, times on a processor. */
INLINE int run_time(loop *l, u64 *run, u64 *times)
{
	char text[64];
	u64 value[3] = { 0, 0, 0 };
	long got = call4(SYS_PREAD, l->stat_fd, (u64)text, sizeof text, 0), i;
	u32 which = 0;

	for (i = 0; i < got && which < 3; i++)
		if (text[i] >= '0' && text[i] <= '9')
			value[which] = value[which] * 10 + text[i] - '0';
		else
			which++;
	*run = value[0];
	*times = value[2];
	return which >= 2;
}

/* The thread that is measured is about to go on. */
INLINE void sample_begins(loop *l)
{
	if (l->stat_state != 1 || --l->stat_left)
		return;
	l->stat_state = run_time(l, &l->stat_run, &l->stat_times) ? 2 : 0;
	l->stat_begin = now_of(l);
}

/* It has stopped again: what it did not run, although it did not sleep, it stood still for us. */
INLINE void sample_ends(loop *l, u64 now, int trap)
{
	u64 run, times, missing;

	if (l->stat_state != 2)
		return;
	l->stat_state = 1;
	l->stat_left = SAMPLE_EVERY;
	if (!trap || !run_time(l, &run, &times) || times - l->stat_times != 1)
		return;
	missing = now - l->stat_begin - (run - l->stat_run);
	if ((long)missing < 0)
		missing = 0;
	l->overhead += missing > SAMPLE_MOST ? SAMPLE_MOST : missing;
	l->overheads++;
}

INLINE u32 *bucket_of_address(loop *l, u64 address)
{
	u64 mixed = address * GOLDEN >> 32, bucket = mixed & l->high;
	if (bucket >= l->buckets)
		bucket = mixed & l->low;
	return (u32 *)l->heads + bucket;
}

/* free: 0 if that takes Python. */
INLINE int free_trap(loop *l, u64 address, u64 now)
{
	u64 *addresses = (u64 *)l->addresses, *f, age, size;
	u32 *chain = (u32 *)l->chain, *older = (u32 *)l->older, *newer = (u32 *)l->newer, *link, row;

	if (address) {
		for (link = bucket_of_address(l, address); (row = *link); link = chain + row)
			if (addresses[row] == address)
				break;
		if (row) {
			if (older[row] == row)
				return 0;                       /* expired: that is told */
			*link = chain[row];
			newer[older[row]] = newer[row];
			older[newer[row]] = older[row];
			addresses[row] = 0;
			chain[row] = l->spare;
			l->spare = row;
			size = ((u64 *)l->sizes)[row];
			l->blocks--;
			l->bytes -= size;
			age = (now - l->started) / 1000000 - ((u64 *)l->births)[row];
			if ((long)age < 0)
				age = 0;
			f = (u64 *)l->figures + ((u32 *)l->stacks)[row] * FIGURES;
			f[FIGURE_FREE]++;
			f[FIGURE_FREE_BYTES] += size;
			f[FIGURE_FREE_TOTAL] += age;
			if (age > f[FIGURE_FREE_MAX])
				f[FIGURE_FREE_MAX] = age;
			if (age < f[FIGURE_FREE_MIN] || f[FIGURE_FREE] == 1)
				f[FIGURE_FREE_MIN] = age;
		} else
			l->unknown_frees++;
	}
	l->calls++;
	return 1;
}

/* Copy the stack at sp: `need` bytes in all, of which `have` are there. -> bytes that are there now. */
INLINE u64 copy_stack(loop *l, u64 sp, u64 have, u64 need)
{
	long got = call4(SYS_PREAD, l->memory, l->copy + have, need - have, sp + have);
	return got > 0 ? have + got : have;
}

/* Is the stack as in a record?  If not, *key leads to the next one to try. */
INLINE int is_known(loop *l, known_stack *k, u64 fp, u64 *key)
{
	u64 *words = k->words, found;
	u32 *where = (u32 *)(words + k->count), i;

	for (i = 0; i < k->count; i++) {
		found = *(u64 *)(l->copy + where[i]);
		if (unlikely(found != words[i])) {
			*key = mix(*key, found + i);
			return 0;
		}
	}
	if (unlikely(k->uses_fp && k->fp != fp)) {
		*key = mix(*key, fp + i);
		return 0;
	}
	return 1;
}

INLINE u64 first_key(u64 sp, u64 return_address, u32 hook)
{
	return (sp * SECOND_MIX ^ return_address ^ hook) * GOLDEN;
}

/* Where to look for a stack of which `have` bytes are copied: the record, or 0, and *slot is where to put it. */
INLINE known_stack *look_up(loop *l, u64 sp, u64 fp, u32 hook, u64 *have, u32 **slot)
{
	u64 return_address = ((u64 *)l->copy)[3], key = first_key(sp, return_address, hook);
	u32 tries;

	for (tries = 0; tries < STACK_TRIES; tries++) {
		known_stack *k;
		*slot = (u32 *)l->cache_at + (key >> (64 - STACK_CACHE_BITS));
		if (!**slot)
			return 0;
		k = (known_stack *)((u64 *)l->pool_at + **slot);
		if (unlikely(k->sp != sp || k->return_address != return_address || k->hook != hook)) {
			key = mix(key, 1);
			continue;
		}
		if (unlikely(k->need > *have)) {
			*have = copy_stack(l, sp, *have, k->need);
			if (k->need > *have)
				return 0;
		}
		if (is_known(l, k, fp, &key))
			return k;
	}
	return 0;
}

/* An allocating function has returned: 0 if that takes Python. */
INLINE int allocation_trap(loop *l, trap_hook *h, u64 *regs, u64 now)
{
	u64 sp = regs[19], address = regs[10], size, have, *f, *stack = (u64 *)l->copy;
	u64 *addresses = (u64 *)l->addresses;
	u32 *chain = (u32 *)l->chain, *older = (u32 *)l->older, *newer = (u32 *)l->newer, *slot, *head, row, youngest;
	known_stack *k;

	if (!address && !h->through)
		return 0;
	have = copy_stack(l, sp, 0, SHORT_COPY);
	if (have < 64)
		return 0;
	switch (h->size) {
	case SIZE_FIRST: size = stack[0]; break;
	case SIZE_SECOND: size = stack[1]; break;
	case SIZE_THIRD: size = stack[2]; break;
	case SIZE_PRODUCT: size = stack[0] * stack[1]; break;
	default: size = stack[1] * stack[2];
	}
	if (h->through) {
		if ((u32)address || stack[0] - sp > have - 8)
			return 0;
		address = *(u64 *)(l->copy + (stack[0] - sp));
		if (!address)
			return 0;
	}
	k = look_up(l, sp, regs[4], h->number, &have, &slot);
	if (!k)
		return 0;
	head = bucket_of_address(l, address);
	for (row = *head; row; row = chain[row])
		if (addresses[row] == address)
			return 0;
	row = l->spare;
	if (!row || l->blocks >= l->buckets) {
		l->due |= DUE_ROOM;
		return 0;
	}
	l->spare = chain[row];
	addresses[row] = address;
	((u64 *)l->sizes)[row] = size;
	((u32 *)l->stacks)[row] = k->stack;
	((u64 *)l->births)[row] = (now - l->started) / 1000000;
	youngest = older[0];
	older[row] = youngest;
	newer[row] = 0;
	newer[youngest] = row;
	older[0] = row;
	chain[row] = *head;
	*head = row;
	l->blocks++;
	l->bytes += size;
	f = (u64 *)l->figures + (u64)k->stack * FIGURES;
	f[FIGURE_ALLOC]++;
	f[FIGURE_ALLOC_BYTES] += size;
	l->calls++;
	return 1;
}

/* Wait and serve until Python is needed. -> FOUND_... */
u64 keeper_traps(loop *l)
{
	u64 *regs = (u64 *)l->registers, now, begin, pc, position;

	for (;;) {
		long tid;
		int status;
		trap_task *t;
		trap_hook *h;

		if (l->queue_next < l->queue_end) {
			tid = (u32)l->queue[l->queue_next];
			status = l->queue[l->queue_next++] >> 32;
		} else {
			if (l->several && ++l->turn > GATHER_EVERY) {
				/* the kernel hands out the first of its list: so everybody gets a turn */
				l->turn = 0;
				l->queue_next = l->queue_end = 0;
				while (l->queue_end < QUEUE_SIZE
				       && (tid = call4(SYS_WAIT4, -1, (u64)&status, WALL | WNOHANG, 0)) > 0)
					l->queue[l->queue_end++] = (u64)(u32)status << 32 | tid;
				if (l->queue_end)
					continue;
			}
			tid = (int)call4(SYS_WAIT4, -1, (u64)&status, l->look_only ? WALL | WNOHANG : WALL, 0);
			if (tid <= 0)
				return tid == -ECHILD ? FOUND_NOBODY : FOUND_NOTHING;
		}
		begin = now_of(l);
		l->tid = tid;
		l->status = (u32)status;
		l->due = 0;
		if (unlikely((u64)tid == l->stat_tid))
			sample_ends(l, begin, status == TRAP_STATUS);
		if (status != TRAP_STATUS)
			return FOUND_EVENT;
		t = (trap_task *)l->tasks_at + (tid & l->tasks_mask);
		if (t->tid != (u64)tid)
			return FOUND_EVENT;
		if (call4(SYS_PTRACE, PTRACE_GETREGS, tid, 0, (u64)regs) < 0)
			return FOUND_EVENT;
		pc = regs[16];
		position = pc * GOLDEN >> 32;
		for (;; position++) {
			h = (trap_hook *)l->hooks_at + (position & l->hooks_mask);
			if (h->pc == pc)
				break;
			if (!h->pc)
				goto python;
		}
		if (t->last == pc) {
			/* sent by somebody? */
			u32 info[32];
			if (call4(SYS_PTRACE, PTRACE_GETSIGINFO, tid, 0, (u64)info) < 0 || info[2] != SI_KERNEL)
				goto python;
		}
		if (!t->cpu_left || !--t->cpu_left) {
			l->due |= DUE_CPU;
			goto python;
		}
		if (!--t->mask_left) {
			u64 mask;
			t->mask_left = MASK_EVERY;
			if (call4(SYS_PTRACE, PTRACE_GETSIGMASK, tid, 8, (u64)&mask) < 0 || mask != t->mask) {
				l->due |= DUE_MASK;
				goto python;
			}
		}
		if (!(h->kind == TRAP_FREE ? free_trap(l, regs[14], begin) : allocation_trap(l, h, regs, begin)))
			goto python;
		t->last = pc;
		l->stops++;
		now = now_of(l);
		l->busy += now - begin;
		if (now - begin > l->longest)
			l->longest = now - begin;
		if (unlikely((u64)tid == l->stat_tid))
			sample_begins(l);
		call4(SYS_PTRACE, PTRACE_CONT, tid, 0, 0);
		if (now >= l->until)
			return FOUND_NOTHING;
		continue;
python:
		l->pc = pc;
		l->last = t->last;
		l->busy += now_of(l) - begin;
		return FOUND_TRAP;
	}
}

/* Make a record in the pool, at a word's offset, the one for the stack in l->copy, of which there are `have` bytes. */
u64 keeper_know(loop *l, u64 offset, u64 have)
{
	known_stack *k = (known_stack *)((u64 *)l->pool_at + offset);
	u32 *slot;

	if (look_up(l, k->sp, k->fp, k->hook, &have, &slot))
		return 0;
	*slot = offset;
	return 1;
}

#endif
