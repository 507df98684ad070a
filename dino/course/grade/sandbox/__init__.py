"""Runs answers that nobody has read where they can do no harm, and lets the judge call them as if they were here.

Each answer to each exercise has a worker of its own, and nothing but a worker ever runs a learner's code::

    judge ------- jobs ---------- fork server   has imported torch and waits; holds no answers
      |                               | forks
      |---------- control ------- guard         watches time and memory, and leaves nothing of the worker
      |                               | forks
      '---------- connection ---- worker        in the sandbox: loads the learner's file, and does what is called

All three are sockets. Over the jobs the fork server says how well it can isolate, and for each answer gets the other ends
of a control and a connection. Over the connection come the job, calls and results, and what the answer asks on the way
(`protocol`; `proxy` on the judge's side, `worker` on the other, `mirror` on both). Over the control the guard says how
the worker ended; the judge says nothing there, but closes it when it is done.

Who ends whom: when the control is closed, or the worker takes too much, the guard kills the worker; should the guard die,
the kernel does. What the worker has started ends with it in its namespace of processes; where there is none, the guard
adopts it and kills it. The fork server ends when the jobs are closed, and when the judge dies, all of its sockets are.

`client` is the judge's end of the jobs, `forkserver` has the fork server and the guard. What a sandbox is: `isolation` has
its namespaces, `filters` takes system calls and files away, and `limits` counts what an answer takes.

Why our own? bubblewrap, firejail, nsjail and gVisor isolate a program from its start, and one that begins by importing
torch takes seconds for each answer. Here that was done once, before, and a copy of that process takes some milliseconds.
What they build on, the kernel has for everybody, and so do we.
"""
