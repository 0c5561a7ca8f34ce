"""Softirqs and what runs in them: tasklets, irq_poll, RCU's and the load balancer's share; bottom halves off."""
