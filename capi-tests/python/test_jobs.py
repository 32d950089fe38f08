"""Listing, describing, controlling and waiting for jobs."""

import ctypes
import threading
import unittest
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import quoteattr

import virtjobs as v
from virtjobs import World, lib


class Listing(unittest.TestCase):
    def test_a_listing_names_type_and_state(self):
        with World() as world:
            self.assertEqual(v.jobs(world.domain), [])
            name = v.start_endless(world.domain).decode()
            self.assertEqual(v.listing(lib.virDomainJobList, world.domain), [(name, v.BLOCK_PULL, v.RUNNING, [])])
            self.assertEqual(lib.virDomainJobList(world.domain, None, 0), 1)
            self.assertEqual(v.jobs(world.domain, v.LIST_FINISHED), [])

    def test_data_say_how_far_a_job_is(self):
        with World() as world:
            v.start_endless(world.domain)
            [(_, _, _, data)] = v.listing(lib.virDomainJobList, world.domain, v.LIST_STATS | v.LIST_XML)
            data = dict(data)
            self.assertEqual(data["disk"], b"vda")
            self.assertEqual(data["end"], 16 << 20)
            self.assertLess(data["current"], data["end"])
            self.assertIn(b"<job type='block-pull' state='running'>", data["xml"])

    def test_a_listing_of_the_connection_names_the_domain(self):
        with World() as world:
            v.start_endless(world.domain)
            [(_, _, _, data)] = v.listing(lib.virConnectListAllDomainJobs, world.conn)
            self.assertEqual(data, [("domain.name", b"test"), ("domain.uuid", b"6695eb01-f6a4-8304-79aa-97f2502e193f")])

    def test_ten_thousand_jobs_are_listed(self):
        with World("<jobs:job type='block-backup' id='b-%n' bandwidth='1B' count='10000'/>") as world:
            names = [name for name, _ in v.jobs(world.domain)]
            self.assertEqual(names, [f"b-{n}" for n in range(1, 10001)])


class Control(unittest.TestCase):
    def test_a_job_is_paused_resumed_and_aborted(self):
        with World() as world:
            name = v.start_endless(world.domain)
            for request, state in [(v.PAUSE, "paused"), (v.RESUME, "running")]:
                self.assertEqual(lib.virDomainJobControl(world.domain, name, request, 0), 0)
                self.assertEqual(v.jobs(world.domain), [(name.decode(), state)])
            self.assertEqual(lib.virDomainJobControl(world.domain, name, v.ABORT, 0), 0)
            self.assertEqual(v.wait(world.domain, name), "aborted")
            self.assertEqual(v.jobs(world.domain), [])

    def test_a_copy_is_finalized_when_ready_and_dismissed_when_done(self):
        with World("<jobs:speed unit='GiB'>1</jobs:speed>") as world:
            copy = b"<disk type='file'><source file='/guest/copy'/></disk>"
            self.assertEqual(lib.virDomainBlockCopy(world.domain, b"vda", copy, None, 0, v.START_PERSIST), 0)
            name = v.take(lib.virDomainJobLastStarted(world.domain, 0)).encode()
            self.assertEqual(v.wait(world.domain, name, v.READY), "ready")
            self.assertEqual(lib.virDomainJobControl(world.domain, name, v.FINALIZE, 0), 0)
            self.assertEqual(v.wait(world.domain, name), "completed")
            self.assertIn("/guest/copy", v.take(lib.virDomainGetXMLDesc(world.domain, 0)))
            self.assertEqual(v.jobs(world.domain), [(name.decode(), "completed")])
            self.assertEqual(lib.virDomainJobControl(world.domain, name, v.DISMISS, 0), 0)
            self.assertEqual(v.jobs(world.domain), [])

    def test_speed_is_seen_by_the_older_call(self):
        with World() as world:
            name = v.start_endless(world.domain)
            self.assertEqual(lib.virDomainJobSetSpeed(world.domain, name, 5 << 20, 0), 0)
            info = v.BlockJobInfo()
            self.assertEqual(lib.virDomainGetBlockJobInfo(world.domain, b"vda", ctypes.byref(info), 0), 1)
            self.assertEqual((info.type, info.bandwidth, info.end), (1, 5, 16 << 20))

    def test_a_description_holds_what_was_asked_and_how_far_it_is(self):
        with World() as world:
            name = v.start_endless(world.domain)
            self.assertIn("<current>", v.take(lib.virDomainJobGetXMLDesc(world.domain, name, 0)))
            without = v.take(lib.virDomainJobGetXMLDesc(world.domain, name, v.XML_NO_STATS))
            self.assertNotIn("<stats>", without)
            self.assertIn("<disk>vda</disk>", without)


    def test_any_name_goes_through_a_description_and_back(self):
        for name in ("<a> & 'b' \"c\"", "]]>", "&amp;", "caf\u00e9 \U0001f427", " blanks  inside ", "%s%d", "a\u0085b"):
            with self.subTest(name), World(f"<jobs:job id={quoteattr(name)} type='backup' size='1MiB' bandwidth='1'/>") as world:
                self.assertEqual(v.jobs(world.domain), [(name, "running")])
                for flags in (0, v.XML_NO_STATS):
                    described = v.take(lib.virDomainJobGetXMLDesc(world.domain, name.encode(), flags))
                    self.assertEqual(ElementTree.fromstring(described).findtext("name"), name)
                self.assertEqual(lib.virDomainJobControl(world.domain, name.encode(), v.ABORT, 0), 0)
                self.assertEqual(v.wait(world.domain, name.encode()), "aborted")


class Threads(unittest.TestCase):
    def test_a_wait_lets_other_threads_of_python_run(self):
        with World() as world:
            name = v.start_endless(world.domain)
            reached = []
            waiter = threading.Thread(target=lambda: reached.append(v.wait(world.domain, name)))
            waiter.start()
            self.assertEqual(lib.virDomainJobControl(world.domain, name, v.ABORT, 0), 0)
            waiter.join(v.SOON / 1000)
            self.assertEqual(reached, ["aborted"])

    def test_each_thread_knows_the_job_that_it_started(self):
        with World() as world:
            v.start_endless(world.domain)
            told = []

            def ask():
                told.append(lib.virDomainJobLastStarted(world.domain, 0))
                told.append(v.last_error()[0])

            v.quiet_errors()
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            self.assertEqual(told, [None, v.ERR_NO_DOMAIN_JOB])


if __name__ == "__main__":
    unittest.main()
